# The sample configuration: every word that can be in it, as a comment.
BEGIN {
    FS = "\t"
    print "# Configuration of scep, described in scep.conf(5). A line is `name = value`; one that begins with # says nothing."
    print "# As long as no url is set here, the service does nothing. Secrets do not belong in here, but in files of their own"
    print "# that nobody but the user scep can read."
}
$1 == "option" && $6 == "yes" {
    print ""
    help = toupper(substr($8, 1, 1)) substr($8, 2)
    # A name that is spelled in small letters stays so.
    if (match($8, /^[a-z]*[A-Z0-9]/) || $8 ~ /^(rsa|once|new|auto)/) help = $8
    wrap(help ($7 == "-" ? "" : " [" $7 "]"))
    value = $4 == "-" ? "yes" : $7 != "-" && $7 !~ / / ? $7 : $4
    print "#" $2 " = " value
}
function wrap(text,    count, parts, i, line) {
    count = split(text, parts, " ")
    line = "#"
    for (i = 1; i <= count; i++) {
        if (length(line) + 1 + length(parts[i]) > 100) {
            print line
            line = "#"
        }
        line = line " " parts[i]
    }
    print line
}
