import Testing

@testable import Output

@Suite struct ReadableNameTests {
    /// What RFC 4514 escapes byte by byte is shown as the letter that it is; what is no letter stays as it was.
    @Test(arguments: [
        (#"CN=Br\C3\BCcke"#, "CN=Brücke"), (#"CN=\E6\9D\B1"#, "CN=東"), (#"CN=\F0\9F\94\91,O=x"#, "CN=🔑,O=x"),
        (#"CN=\C3"#, #"CN=\C3"#), (#"CN=\C3x"#, #"CN=\C3x"#), (#"CN=\FF\C3\A9"#, #"CN=\FFé"#),
        // Controls, escaped specials, and a backslash before what looks like a byte.
        (#"CN=\C2\9B"#, #"CN=\C2\9B"#), (#"CN=\1B\,"#, #"CN=\1B\,"#), (#"CN=\\C3\A9"#, #"CN=\\C3\A9"#),
        (#"CN=\"#, #"CN=\"#), ("", ""),
        // What turns the reading around, or ends a line.
        (#"CN=\E2\80\AE\C3\A9"#, #"CN=\E2\80\AEé"#), (#"CN=\E2\80\A8x"#, #"CN=\E2\80\A8x"#),
        (#"CN=\D8\9C"#, #"CN=\D8\9C"#),
    ])
    func lettersAreReadable(_ text: String, _ shown: String) {
        #expect(String(decoding: readable(Array(text.utf8)), as: UTF8.self) == shown)
    }
}
