import Foundation
import Testing
import TestSupport

@testable import Signing

/// A process has its module once: closing it is for all.
@Suite("A station signs by a key on a token", .serialized) struct TokenTests {
    private func uri(_ token: SoftHSM, _ pinFile: String, object: String = "station") -> String {
        "pkcs11:token=\(token.label);object=\(object)?module-path=\(SoftHSM.module)&pin-source=file:\(pinFile)"
    }

    private func with(_ label: String, _ body: (URL, SoftHSM, String) throws -> Void) throws {
        try withTemporaryDirectory { folder in
            let token = try SoftHSM(label)
            defer { try? token.remove() }
            let pin = folder.appending(path: "pin")
            try Data((token.pin + "\n").utf8).write(to: pin)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: pin.path)
            try body(folder, token, pin.path)
        }
    }

    /// The token makes the key, keeps it, and is asked again when the station comes back.
    @Test func theTokenSigns() throws {
        try with("station-signs") { folder, token, pin in
            let file = folder.appending(path: "station.key")
            let key = try StationKey.place(uri: uri(token, pin), in: file)
            let jws = try key.sign([UInt8]("{\"seq\":7}".utf8))
            #expect(try StationKey(file: file).verifier.payload(of: jws) == [UInt8]("{\"seq\":7}".utf8))
            // OpenSC finds it there, and it has not come out.
            let objects = try token.tool(["--list-objects", "--type", "privkey"])
            #expect(
                objects.contains("label:      station")
                    && objects.contains("sensitive, always sensitive, never extractable"))
            #expect(try !String(contentsOf: file, encoding: .utf8).contains(token.pin))
            #expect(throws: SigningError.keyIsThere(file.path)) { try StationKey.place(uri: uri(token, pin), in: file) }
        }
    }

    /// A key that somebody else has made there; another kind of key is none.
    @Test func aKeyThatIsThereIsTaken() throws {
        try with("station-finds") { folder, token, pin in
            try token.tool(["--keypairgen", "--key-type", "EC:prime256v1", "--label", "made", "--id", "01"])
            try token.tool(["--keypairgen", "--key-type", "EC:secp384r1", "--label", "other", "--id", "02"])
            let key = try StationKey.place(uri: uri(token, pin, object: "made"), in: folder.appending(path: "a"))
            let der = folder.appending(path: "public.der").path
            try token.tool(["--read-object", "--type", "pubkey", "--label", "made", "--output-file", der])
            #expect(try key.publicKey == [UInt8](Data(contentsOf: URL(fileURLWithPath: der))))
            let error = #expect(throws: SigningError.self) {
                try StationKey.place(uri: uri(token, pin, object: "other"), in: folder.appending(path: "b"))
            }
            #expect(error.map { "\($0)" }?.contains("P-256") == true)
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "b").path))
        }
    }

    /// A wrong PIN is tried once, whatever is run afterwards.
    @Test func aWrongPINIsTriedOnce() throws {
        try with("station-pin") { folder, token, pin in
            let file = folder.appending(path: "station.key")
            _ = try StationKey.place(uri: uri(token, pin), in: file)
            try Data("000000\n".utf8).write(to: URL(fileURLWithPath: pin))
            for word in ["the token refused the PIN", "before, so it was not tried", "before, so it was not tried"] {
                let error = #expect(throws: SigningError.self) { try StationKey(file: file) }
                #expect(error.map { "\($0)" }?.contains(word) == true)
            }
            try Data("\(token.pin)\n".utf8).write(to: URL(fileURLWithPath: pin))
            _ = try StationKey(file: file)
        }
    }

    @Test(arguments: [
        ("pkcs11:token=a;object=b", "stand behind a ?"), ("pkcs11:token=a?module-path=/m&pin-source=/p", "object"),
        ("pkcs11:token=a;object=b?module-path=/m&pin-value=1234", "a PIN does not stand in it"),
        ("pkcs11:token=a;object=b?module-path=m.so&pin-source=/p", "module-path is an absolute path"),
        ("pkcs11:token=a;object=b?module-path=/m&pin-source=|/bin/x", "absolute path of a file"),
        ("pkcs11:token=a;object=b;id=%01?module-path=/m&pin-source=/p", "not id"),
        ("pkcs11:token=a;token=b;object=b?module-path=/m&pin-source=/p", "once each"),
        ("pkcs11:token=a;object=b;type=public?module-path=/m&pin-source=/p", "type is private"),
        ("pkcs11:token=a%2;object=b?module-path=/m&pin-source=/p", "hexadecimal"),
        ("pkcs11:token=%00;object=b?module-path=/m&pin-source=/p", "hexadecimal"),
        ("file:/x", "stand behind a ?"),
    ])
    func whatIsNoSuchURI(text: String, says: String) {
        let error = #expect(throws: SigningError.self) { try TokenURI(text) }
        #expect(error.map { "\($0)" }?.contains(says) == true)
    }

    @Test func aURIIsReadAsRFC7512HasIt() throws {
        let uri = try TokenURI(
            "PKCS11:object=my%20key;type=private;token=Line%3B1?pin-source=file:///etc/p%3F&module-path=/usr/lib/m.so")
        #expect(uri.token == Array("Line;1".utf8) && uri.object == Array("my key".utf8))
        #expect(uri.modulePath == Array("/usr/lib/m.so".utf8) && uri.pinFile == Array("/etc/p?".utf8))
    }
}
