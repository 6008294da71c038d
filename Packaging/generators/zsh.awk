# Completion for zsh.
BEGIN {
    FS = "\t"
    while ((getline line <words) > 0) {
        if (line ~ /^#/) continue
        name = line
        sub(/ .*/, "", name)
        sub(/^[^ ]* /, "", line)
        choices[name] = line
    }
}
function quoted(text) {
    gsub(/'/, "'\\''", text)
    return text
}
function described(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    return quoted(text)
}
$1 == "command" {
    names[++count] = $2
    operands[$2] = $3
    list = list "        '" $2 ":" described($4) "'\n"
}
$1 == "option" {
    action = ""
    if ($2 in choices) action = "(" choices[$2] ")"
    else if ($4 == "FILE" || $4 == "PROGRAM") action = "_files"
    else if ($4 == "FOLDER") action = "_files -/"
    else if ($4 == "URL") action = "_urls"
    argument = $4 == "-" ? "" : ":" tolower($4) ":" action
    line = $3 == "-" ? "'--" $2 : "'(-" $3 " --" $2 ")'{-" $3 ",--" $2 "}'"
    line = line "[" described($8) "]" quoted(argument) "'"
    of = split($5, each, ",")
    for (i = 1; i <= of; i++) options[each[i]] = options[each[i]] " \\\n                " line
}
END {
    print "#compdef scep"
    print "# zsh completion for scep; made from what `scep self-describe` says."
    print "_scep() {"
    print "    local -a commands=("
    printf "%s", list
    print "    )"
    print "    if ((CURRENT == 2)); then"
    print "        _describe command commands"
    print "        return"
    print "    fi"
    print "    local command=$words[2]"
    print "    shift words"
    print "    ((CURRENT--))"
    print "    case $command in"
    for (i = 1; i <= count; i++) {
        name = names[i]
        operand = operands[name] ~ /FILE/ ? "'*:file:_files'" : operands[name] ~ /URL/ ? "'::url:_urls'" : ""
        print "        " name ")"
        print "            _arguments -s -S" options[name] (operand ? " \\\n                " operand : "")
        print "            ;;"
    }
    print "    esac"
    print "}"
    print "_scep \"$@\""
}
