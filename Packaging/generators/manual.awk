# A manual page: the prose of the file `page`, with
#   @commands@          the commands and what they do
#   @options-of-commands@   for each command, its usage and its options by name
#   @options@           every option of the command line
#   @words@             every word of the configuration
# for what the description has, and @version@ and @day@.
BEGIN { FS = "\t" }
$1 == "command" { commands[++commandCount] = $0 }
$1 == "option" { options[++optionCount] = $0 }
END {
    while ((getline line <page) > 0) {
        if (line == "@commands@") listCommands()
        else if (line == "@options-of-commands@") listOptionsOfCommands()
        else if (line == "@options@") listOptions()
        else if (line == "@words@") listWords()
        else {
            gsub(/@version@/, version, line)
            gsub(/@day@/, day, line)
            print line
        }
    }
}
function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/'/, "\\(aq", text)
    # A line that begins with a dot would be a request.
    sub(/^\./, "\\\\\\&.", text)
    return text
}
function listCommands(    i, f) {
    for (i = 1; i <= commandCount; i++) {
        split(commands[i], f, "\t")
        print ".TP\n.B " roff(f[2]) (f[3] == "-" ? "" : " \\fI" roff(f[3]) "\\fR")
        print roff(f[4]) "."
    }
}
function listOptionsOfCommands(    i, j, c, f, line) {
    for (i = 1; i <= commandCount; i++) {
        split(commands[i], c, "\t")
        line = ""
        for (j = 1; j <= optionCount; j++) {
            split(options[j], f, "\t")
            if (index("," f[5] ",", "," c[2] ",") && f[5] != everywhere()) line = line (line ? ", " : "") "\\fB\\-\\-" roff(f[2]) "\\fR"
        }
        print ".TP\n.B " roff(c[2])
        print line ? line "." : "No others than those of every command."
    }
}
# The list of all commands.
function everywhere(    i, c, all) {
    for (i = 1; i <= commandCount; i++) {
        split(commands[i], c, "\t")
        all = all (all ? "," : "") c[2]
    }
    return all
}
function listOptions(    i, f) {
    for (i = 1; i <= optionCount; i++) {
        split(options[i], f, "\t")
        print ".TP"
        print (f[3] == "-" ? "" : "\\fB\\-" f[3] "\\fR, ") "\\fB\\-\\-" roff(f[2]) "\\fR" \
            (f[4] == "-" ? "" : " \\fI" roff(f[4]) "\\fR")
        print roff(f[8]) (f[8] ~ /[.]$/ ? "" : ".") (f[7] == "-" ? "" : "\nDefault: " roff(f[7]) ".")
    }
}
function listWords(    i, f) {
    for (i = 1; i <= optionCount; i++) {
        split(options[i], f, "\t")
        if (f[6] != "yes") continue
        print ".TP"
        print "\\fB" roff(f[2]) "\\fR = \\fI" (f[4] == "-" ? "yes\\fR or \\fIno" : roff(f[4])) "\\fR"
        print roff(f[8]) (f[8] ~ /[.]$/ ? "" : ".") (f[7] == "-" ? "" : "\nDefault: " roff(f[7]) ".")
    }
}
