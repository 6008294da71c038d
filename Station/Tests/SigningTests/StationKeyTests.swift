import Foundation
import Signing
import TestSupport
import Testing

@Suite("A station signs by a key of its own")
struct StationKeyTests {
    @Test func opensslVerifiesAndTheKeyStays() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "station.key")
            let key = try StationKey(file: file)
            let jws = try key.sign([UInt8]("{\"seq\":7}".utf8), header: ",\"typ\":\"x\"")
            #expect(try StationKey(file: file).publicKey == key.publicKey)
            #expect(try key.verifier.payload(of: jws) == [UInt8]("{\"seq\":7}".utf8))

            let parts = jws.split(separator: ".").map(String.init)
            let program = """
                import base64, sys
                raw = base64.urlsafe_b64decode(sys.argv[1] + "==")
                def integer(b):
                    b = b.lstrip(b"\\0") or b"\\0"
                    b = b"\\0" + b if b[0] & 128 else b
                    return b"\\x02" + bytes([len(b)]) + b
                body = integer(raw[:32]) + integer(raw[32:])
                sys.stdout.buffer.write(b"\\x30" + bytes([len(body)]) + body)
                """
            let signature = try folder.write(
                runProgram("/usr/bin/python3", ["-c", program, parts[2]]).output, to: "sig")
            let pem = try folder.write([UInt8](key.verifier.pem.utf8), to: "pub")
            let said = try OpenSSL.run(
                ["dgst", "-sha256", "-verify", pem, "-signature", signature],
                input: [UInt8]("\(parts[0]).\(parts[1])".utf8))
            #expect(String(decoding: said, as: UTF8.self) == "Verified OK\n")
            // The key is one that others can read, too.
            #expect(try OpenSSL.run(["pkey", "-in", file.path, "-pubout"]) == [UInt8](key.verifier.pem.utf8))
        }
    }

    @Test func whatWasChangedIsNotSigned() throws {
        try withTemporaryDirectory { folder in
            let key = try StationKey(file: folder.appending(path: "a"))
            let other = try StationKey(file: folder.appending(path: "b"))
            let jws = try key.sign([UInt8]("{}".utf8))
            #expect(throws: SigningError.notSigned) { try other.verifier.payload(of: jws) }
            for index in jws.indices where jws[index] != "." {
                var changed = jws
                changed.replaceSubrange(index...index, with: jws[index] == "A" ? "B" : "A")
                #expect(throws: SigningError.notSigned) { try key.verifier.payload(of: changed) }
            }
            for text in ["", "a.b.c", jws + ".", String(jws.dropLast()), jws + "A", "." + jws] {
                #expect(throws: SigningError.notSigned) { try key.verifier.payload(of: text) }
            }
            // Unsigned, as some libraries take it: RFC 8725, section 2.1.
            let parts = jws.split(separator: ".")
            #expect(throws: SigningError.notSigned) { try key.verifier.payload(of: "eyJhbGciOiJub25lIn0.\(parts[1]).") }
        }
    }

    @Test func aKeyThatOthersMayReadIsNotUsed() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "station.key")
            _ = try StationKey(file: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
            #expect(throws: SigningError.exposed(file.path)) { try StationKey(file: file) }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            try Data("nonsense".utf8).write(to: file)
            #expect(throws: SigningError.notReadable(file.path)) { try StationKey(file: file) }
        }
    }
}
