import Glibc

// Runs openssl as it is asked to, once: asked the same again by another run of the tests, it answers what it answered
// then. Making keys and certificates is most of what the tests do, and no mutant changes it.
//
//   OPENSSL_MEMO      the folder of what was answered
//   OPENSSL_MEMO_RUN  a folder of this run: what is asked twice in one run is answered twice, by two keys

let memo = Memo(arguments: Array(CommandLine.arguments.dropFirst()))
exit(memo.answer())
