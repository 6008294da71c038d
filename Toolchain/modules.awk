# Sums up a GNU ld map file by module: prints "module<TAB>flash bytes<TAB>RAM bytes" lines, unsorted.
#
# Swift code belongs to the module in its mangled name, since a generic function of one module is compiled into
# another's object file; anything else belongs to its object file. -v sources=<file> lists the project's source files,
# one a line, so that an object file's name leads to a module.
#
# Output sections in the memory SRAM lie in RAM; .data lies in both.

BEGIN {
    while ((getline path < sources) > 0) {
        count = split(path, part, "/")
        for (i = 1; i < count; i++)
            if (part[i] == "Sources") { module_of[part[count]] = part[1] == "Boards" ? "board" : part[i + 1]; break }
        if (path ~ /^Sources\//) core[part[2]] = 1
    }
}

# "0x1f" to 31; mawk knows no hexadecimal numbers.
function hex(text,    value, i) {
    value = 0
    for (i = 3; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return value
}

function module(section, object,    name, digits) {
    if (match(section, /\$e[0-9]+/)) {
        digits = substr(section, RSTART + 2, RLENGTH - 2)
        name = substr(section, RSTART + RLENGTH, digits)
        return name in core ? name : "board"
    }
    if (section ~ /\$es/) return "Swift's library"
    if (object ~ /libmbedcrypto\.a/) return "mbedTLS"
    # What was optimised at link time comes from two objects: mbedTLS, and Swift's with all that Swift does not name.
    if (object ~ /\.ltrans\.o$/) return "mbedTLS"
    if (object ~ /image\.o$/) {
        if (section ~ /cmbedtls|reduce|ecp_/) return "DeviceCrypto"
        if (section ~ /OUTLINED|_swift/) return "shared code"
        return section ~ /^\.rodata\.(str|cst)/ ? "texts" : "lwIP"
    }
    if (object ~ /lib(c|gcc|m)\.a/) return "picolibc, libgcc"
    name = object
    sub(/^.*[\/(]/, "", name)
    sub(/\.o\)?$/, "", name)
    return name in module_of ? module_of[name] : "other: " name
}

function count_in(name, bytes) {
    if (bytes <= 0) return
    if (output == ".data" || address < sram) flash[name] += bytes
    if (address >= sram) ram[name] += bytes
    modules[name] = 1
}

# What no input section accounts for: alignment, or the stack, which the linker script reserves.
function close_output() { count_in(output == ".stack" ? "stack" : "padding", left) }

# Of the memories, which come first.
$1 == "SRAM" && !inside { sram = hex($2) }
/^Linker script and memory map/ { inside = 1; next }
!inside { next }

# An output section; a long name has its numbers on the next line.
/^[.A-Za-z_]/ {
    close_output()
    output = $1
    left = 0
    address = 0
    if (NF == 1) { getline; $0 = output " " $0 }
    debug = output ~ /^\.(debug|comment|ARM\.attributes|note|swift|llvm)/ || $2 !~ /^0x/
    if (!debug) { address = hex($2); left = hex($3) }
    next
}

# An input section; a long name has its numbers on the next line.
/^ [.A-Z$]/ && !debug {
    section = $1
    if (NF == 1) { getline; $0 = section " " $0 }
    if ($2 !~ /^0x/ || $3 !~ /^0x/ || $4 == "") next
    object = $0
    sub(/^[^ ]+ +0x[0-9a-f]+ +0x[0-9a-f]+ /, "", object)
    sub(/^ *[^ ]+ +0x[0-9a-f]+ +0x[0-9a-f]+ /, "", object)
    size = hex($3)
    count_in(module(section, object), size)
    left -= size
}

END {
    close_output()
    for (name in modules) printf "%s\t%d\t%d\n", name, flash[name], ram[name]
}
