import Foundation
import PretendedSystem
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

extension KeyTests.GatewayCommandTests {
    /// EJBCA answers GetCACaps to everybody, and GetCACert to who names a CA that it has: what is wrong then is the name, and
    /// whoever looks for it in the URL looks in the wrong place. A CA that answers is asked nothing more.
    @Test(
        arguments: [
            (404, "text/plain", "", 200, "AES\n", true), (400, "text/plain", "", 200, "AES\n", true),
            (499, "text/plain", "", 200, "AES\n", true), (200, "application/x-x509-ca-cert", "1\0", 200, "AES\n", true),
            (404, "text/plain", "", 200, "hello\n", false), (404, "text/plain", "", 404, "AES\n", false),
            (200, "application/x-x509-ca-cert", "1\0", 404, "AES\n", false),
        ] as [(Int, String, String, Int, String, Bool)])
    func theNameOfTheCAIsToldFromThePath(
        status: Int, type: String, body: String, capsStatus: Int, caps: String, isName: Bool
    ) throws {
        try withCA { ca, _ in
            ca.state.withLock {
                $0.certificates = StandInCA.Answer(status: status, type: type, body: Array(body.utf8))
                $0.capabilities = StandInCA.Answer(status: capsStatus, type: "text/plain", body: Array(caps.utf8))
            }
            let found = try scep(["ca", ca.url, "--message", "x"])
            #expect(found.exit == .network)
            #expect(found.message.contains("the path of the URL is right") == isName, "\(found.message)")
            #expect(found.message.contains("check url and message") == !isName, "\(found.message)")
            #expect(ca.asked == ["GetCACert x", "GetCACaps x"])
        }
    }

    /// The other failures say nothing of the URL, and nobody is asked for more.
    @Test(arguments: [(401, "text/plain"), (407, "text/plain"), (500, "text/plain"), (503, "text/plain")])
    func troubleOfTheServerIsNoQuestionOfTheName(status: Int, type: String) throws {
        try withCA { ca, _ in
            ca.state.withLock {
                $0.certificates = StandInCA.Answer(status: status, type: type, body: [])
                $0.capabilities = StandInCA.Answer(status: 200, type: "text/plain", body: Array("AES\n".utf8))
            }
            let found = try scep(["ca", ca.url])
            #expect(found.exit == .network && !found.message.contains("path"), "\(found.message)")
            if status >= 500 || status == 407 { #expect(ca.asked.first == "GetCACert") }
            if status >= 500 { #expect(ca.asked == ["GetCACert"]) }
        }
    }

    /// What cannot be a URL is told with what it looks like.
    @Test func aURLThatIsNoneIsShown() throws {
        for text in ["ftp://127.0.0.1/\u{1B}", "scep", ""] {
            let found = try scep(["caps", text])
            let shown = text.replacing("\u{1B}", with: "\\1B")
            #expect(found.exit == .usage && found.kind == "bad-url")
            #expect(
                found.message == "'\(shown)' is no URL of a SCEP service: it looks like http://ca.example/scep")
        }
    }

    /// Words of a reply to GetCACaps are shown as far as a screen goes.
    @Test func manyCapabilitiesAreCut() throws {
        try withCA { ca, _ in
            let words = ["AES", "SHA-256"] + (0..<70).map { "WORD\($0)" }
            ca.state.withLock { $0.capabilities.body = Array(words.joined(separator: "\n").utf8) }
            let found = try scep(["caps", ca.url])
            #expect(found.report["capabilities"].items.prefix(64).map(\.text) == words.prefix(64).map { $0 })
            #expect(found.report["capabilities"].count == 65)
            ca.state.withLock { $0.capabilities.body = Array("hello".utf8) }
            let none = try scep(["caps", ca.url])
            #expect(none.exit == .trust && none.kind.isEmpty)
            #expect(none.report["error"]["message"].text?.contains("add to allow: sha1,3des") == true)
            ca.state.withLock { $0.capabilities.body = Array("<html>hello".utf8) }
            let page = try scep(["caps", ca.url])
            #expect(page.exit == .network && page.kind == "not-scep")
        }
    }

    /// A CA that is of no use is shown and, where nothing is pinned, saved; what is pinned and of no use is not.
    @Test func aCAThatIsOfNoUseIsShown() throws {
        let weak = try OpenSSLIdentity(subject: "/CN=Weak", newKey: ["rsa:1024"])
        let ca = try StandInCA(weak)
        defer { ca.end() }
        try withTemporaryDirectory { directory in
            let output = directory.path + "/out"
            let pin = try weak.fingerprint().replacing(":", with: "")
            let pinned = try scep(["ca", ca.url, "--fingerprint", pin, "--output", output])
            #expect(pinned.exit == .trust && pinned.report["certificates"][0]["key"].text == "RSA-1024")
            #expect(!FileManager.default.fileExists(atPath: output))
            #expect(pinned.report["error"].value == nil)
            let bare = try scep(["ca", ca.url, "--output", output, "--json"])
            #expect(bare.exit == .trust && bare.report["error"]["kind"].text == "ca-key")
            #expect(bare.report["certificates"][0]["ifPinned"].text?.hasPrefix("would be refused: ") == true)
            #expect(try read(directory, "out") == weak.certificate)
        }
    }

    /// A key that cannot be read is told before the CA is asked for anything.
    @Test func noCAIsAskedWithoutAKey() throws {
        try withCA { ca, directory in
            let options = try enrolment(ca, directory)
            let bad = try directory.writePrivate(Array("no key".utf8), to: "bad")
            let named = String(decoding: bad, as: UTF8.self)
            let key = options[9]
            let wrong = options.map { $0 == key ? named : $0 }
            let found = try scep(["enroll"] + wrong)
            #expect(found.exit == .storage && found.kind == "key-failed" && found.message.hasPrefix("\(named): "))
            try leave(directory)
            let absent = try scep(["enroll"] + options.map { $0 == key ? "/absent" : $0 })
            #expect(absent.exit == .storage && absent.kind == "file-failed")
            #expect(ca.asked == [])
            // When that was is known all the same, as far as the clock was set.
            for (time, words) in [(2_000_000_000, "2033-05-18T03:33:20Z"), (0, "1970-01-01T00:00:00Z")] {
                try leave(directory)
                #expect(try atTime(time) { try scep(["enroll"] + wrong) }.kind == "key-failed")
                let status = try scep(["status"] + options[4...5])
                #expect(
                    status.report["lastRun"].text == words && status.report["lastError"]["kind"].text == "key-failed")
            }
            // What cannot be noted of it is not what matters, unless there is nothing else.
            try leave(directory)
            let inTheWay = directory.path + "/identity/status.new/x"
            try FileManager.default.createDirectory(atPath: inTheWay, withIntermediateDirectories: true)
            #expect(try scep(["enroll"] + wrong).kind == "key-failed")
            try leave(directory)
            let unnoted = try scep(["enroll"] + options)
            #expect(unnoted.exit == .storage && unnoted.message.contains("/status.new: cannot be made: "))
        }
    }

    /// A password that cannot be read is not left out: nothing is requested without it.
    @Test func nothingIsRequestedWithoutItsPassword() throws {
        try withCA { ca, directory in
            let options = try enrolment(ca, directory)
            let found = try scep(["enroll"] + options.dropLast() + ["/absent"])
            #expect(found.exit == .storage && found.message == "/absent: cannot be read: No such file or directory")
            #expect(!ca.asked.contains { $0.hasPrefix("19") } && ca.state.withLock { $0.passwords } == [])
        }
    }

    /// An existing key is for a first certificate; a renewal makes a new one, unless the same is wanted.
    @Test func anExistingKeyIsForTheFirstCertificate() throws {
        try withCA { ca, directory in
            let options = try enrolment(ca, directory)
            func key() throws -> [UInt8] {
                try OpenSSL.run(["pkey", "-in", directory.path + "/identity/current/key.pem", "-pubout"])
            }
            let first = try OpenSSL.run(["pkey", "-pubout"], input: TestKey.rsa.pem)
            #expect(try scep(["enroll"] + options).exit == .done)
            #expect(try key() == first)
            try leave(directory)
            #expect(try scep(["renew"] + options).exit == .done)
            #expect(try key() != first)
            // Whoever begins anew takes it again.
            try leave(directory)
            #expect(try scep(["enroll", "--again", "--challenge-use", "always"] + options).exit == .done)
            #expect(try key() == first)
            // Where it has served, nobody misses it.
            try leave(directory)
            #expect(try scep(["agent"] + options.map { $0 == options[9] ? "/absent" : $0 }).exit == .done)
        }
    }
}
