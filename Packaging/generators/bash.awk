# Completion for bash: commands, then the options of the command, then files, folders or words for a value.
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
$1 == "command" {
    commands = commands (commands ? " " : "") $2
    names[++count] = $2
    operands[$2] = $3
}
$1 == "option" {
    split($5, list, ",")
    for (i in list) {
        options[list[i]] = options[list[i]] " --" $2
    }
    if ($4 == "-") next
    pattern = "--" $2 ($3 == "-" ? "" : " | -" $3)
    if ($2 in choices) values = values "        " pattern ") COMPREPLY=($(compgen -W '" choices[$2] "' -- \"$current\")); return ;;\n"
    else if ($4 == "FILE" || $4 == "PROGRAM") files = files (files ? " | " : "") pattern
    else if ($4 == "FOLDER") folders = folders (folders ? " | " : "") pattern
    else others = others (others ? " | " : "") pattern
}
END {
    print "# bash completion for scep; made from what `scep self-describe` says."
    print "_scep() {"
    print "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}"
    print "    COMPREPLY=()"
    print "    if ((COMP_CWORD == 1)); then"
    print "        COMPREPLY=($(compgen -W '" commands " --help --version' -- \"$current\"))"
    print "        return"
    print "    fi"
    print "    case $before in"
    printf "%s", values
    print "        " files ") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return ;;"
    print "        " folders ") compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\")); return ;;"
    print "        " others ") return ;;"
    print "    esac"
    print "    case $command in"
    for (i = 1; i <= count; i++) {
        name = names[i]
        print "        " name ")"
        if (operands[name] ~ /FILE/) {
            print "            if [[ $current != -* ]]; then"
            print "                compopt -o filenames"
            print "                COMPREPLY=($(compgen -f -- \"$current\"))"
            print "                return"
            print "            fi"
        }
        print "            COMPREPLY=($(compgen -W '" substr(options[name], 2) "' -- \"$current\"))"
        print "            ;;"
    }
    print "    esac"
    print "}"
    print "complete -F _scep scep"
}
