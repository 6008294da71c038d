import enum Agent.Goal
import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

extension KeyTests {
    /// Commands, from their command line to their report, with a CA to ask. Among the tests of keys, since most have one.
    @Suite struct GatewayCommandTests {
        /// What a command said, and how it ended.
        struct Outcome {
            var exit: ExitCode?
            var kind = ""
            var message = ""
            var report = Found(value: nil)
        }

        /// - Parameter configuration: the path of a file that is read as scep.conf.
        func scep(_ line: [String], configuration: String? = nil) throws -> Outcome {
            var outcome = Outcome()
            var report = Report(.json)
            do throws(Output.Failure) {
                let words = line.map { Array($0.utf8) }
                guard let command = Command(words[0]) else { return outcome }
                var read = try Gateway.CommandLine(command, Array(words.dropFirst()) + [Array("--quiet".utf8)])
                if let configuration {
                    try ConfigurationFile.read(InputFile.readText(Array(configuration.utf8)), into: &read.settings)
                }
                var progress = try Gateway.Progress(read.settings)
                outcome.exit = try dispatch(command, read.settings, read.operands, &progress, &report)
            } catch {
                outcome.exit = error.exit
                outcome.kind = String(decoding: error.kind, as: UTF8.self)
                outcome.message = String(decoding: error.message, as: UTF8.self)
            }
            report.close(to: 0)
            outcome.report = Found(value: try? JSONSerialization.jsonObject(with: Data(report.finish())))
            return outcome
        }

        /// The lines on standard error meanwhile. Other tests may say something, too.
        func heard(_ body: () throws -> Void) throws -> [String] {
            try withTemporaryDirectory { directory in
                let before = dup(STDERR_FILENO)
                defer { close(before) }
                let file = open(directory.path + "/said", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                dup2(file, STDERR_FILENO)
                close(file)
                let result = Result { try body() }
                dup2(before, STDERR_FILENO)
                try result.get()
                return try String(contentsOfFile: directory.path + "/said", encoding: .utf8)
                    .split(separator: "\n").map(String.init)
            }
        }

        /// A folder for files, and a CA.
        func withCA(_ body: (StandInCA, URL) throws -> Void) throws {
            let ca = try StandInCA()
            defer { ca.end() }
            try withTemporaryDirectory { try body(ca, $0) }
        }

        /// Asks for a certificate for the shared key.
        func enrolment(_ ca: StandInCA, _ directory: URL) throws -> [String] {
            let key = try directory.writePrivate(TestKey.rsa.pem, to: "key")
            let password = try directory.writePrivate(Array("one-time 7\n".utf8), to: "password")
            return try [
                "--url", ca.url, "--fingerprint", ca.ca.fingerprint().replacing(":", with: ""), "--directory",
                directory.path + "/identity", "--subject", "CN=gateway 7,O=Example", "--existing-key",
                String(decoding: key, as: UTF8.self), "--challenge-file", String(decoding: password, as: UTF8.self),
            ]
        }

        /// The options of the other commands: those that say where, and whom to ask.
        func others(_ ca: StandInCA, _ directory: URL) throws -> [String] {
            Array(try enrolment(ca, directory).prefix(6))
        }

        /// The lock ends with the process, which here is the same for all: another run finds a copy.
        func leave(_ directory: URL) throws {
            let folder = directory.path + "/identity"
            try SoftHSM.run(
                "/bin/sh",
                ["-c", "cp -a '\(folder)' '\(folder).new'; rm -r '\(folder)'; mv '\(folder).new' '\(folder)'"])
        }

        /// What openssl says of a certificate in PEM.
        func check(_ found: Found, _ pem: [UInt8]) throws {
            let text = String(
                decoding: try OpenSSL.run(
                    [
                        "x509", "-noout", "-subject", "-issuer", "-serial", "-startdate", "-enddate", "-fingerprint",
                        "-sha256", "-nameopt", "RFC2253", "-dateopt", "iso_8601",
                    ], input: pem), as: UTF8.self)
            let values = text.split(separator: "\n").map { String($0.drop { $0 != "=" }.dropFirst()) }
            #expect(found["subject"].text == values[0])
            #expect(found["issuer"].text == values[1])
            // With the octet in front that keeps it positive, which openssl leaves out.
            let serial = values[2].lowercased()
            #expect(found["serialNumber"].text == serial)
            #expect(found["notBefore"].text == values[3].replacing(" ", with: "T"))
            #expect(found["notAfter"].text == values[4].replacing(" ", with: "T"))
            #expect(found["sha256"].text == values[5].replacing(":", with: "").lowercased())
            #expect(found["key"].text == "RSA-2048")
        }

        func read(_ directory: URL, _ name: String) throws -> [UInt8] {
            try [UInt8](Data(contentsOf: directory.appending(path: name)))
        }

        @Test func capabilitiesAreShownWithWhatFollows() throws {
            try withCA { ca, _ in
                let strong = try scep(["caps", ca.url, "--message", "a b"])
                #expect(strong.exit == .done)
                #expect(strong.report["url"].text == ca.url)
                #expect(
                    strong.report["capabilities"].items.map(\.text) == ["SCEPStandard", "AES", "SHA-256", "Renewal"])
                func word(_ name: String) -> Bool? { strong.report[name].value as? Bool }
                #expect(word("post") == true && word("renewal") == true && word("nextCA") == false)
                #expect(strong.report["digest"].text == "SHA-256" && strong.report["cipher"].text == "AES-128-CBC")
                #expect(ca.asked == ["GetCACaps a%20b"])

                ca.state.withLock { $0.capabilities.body = Array("DES3\r\n\r\n  SHA-1\r\nGetNextCACert".utf8) }
                let weak = try scep(["caps", "--url", ca.url])
                #expect(weak.exit == .trust)
                #expect(weak.report["capabilities"].items.map(\.text) == ["DES3", "SHA-1", "GetNextCACert"])
                #expect(weak.report["post"].value as? Bool == false && weak.report["renewal"].value as? Bool == false)
                #expect(weak.report["nextCA"].value as? Bool == true)
                #expect(weak.report["error"]["exitCode"].number == 3)
                let allowed = try scep(["caps", ca.url, "--allow", "sha1,3des"])
                #expect(allowed.exit == .done)
                #expect(allowed.report["digest"].text == "SHA-1" && allowed.report["cipher"].text == "3DES-CBC")
                #expect(try scep(["caps", ca.url, "--allow", "anything"]).kind == "bad-value")
            }
        }

        @Test func questionsThatCannotBeAskedAreNamed() throws {
            try withCA { ca, _ in
                for (line, kind) in [
                    ([], "option-missing"), ([ca.url, ca.url], "bad-operand"), (["ftp://127.0.0.1/"], "bad-url"),
                    ([ca.url, "--timeout", "0"], "bad-value"), ([ca.url, "--timeout", "601"], "bad-value"),
                    ([ca.url, "--timeout", "600"], ""), ([ca.url, "--timeout", "1"], ""),
                    ([ca.url, "--proxy", "https://127.0.0.1"], "bad-value"),
                    ([ca.url, "--proxy", ca.url], "bad-value"), ([ca.url, "--tls-pin", "00"], "bad-value"),
                    (["http://127.0.0.1:1/scep"], "connection-refused"),
                ] {
                    let found = try scep(["caps"] + line)
                    #expect(found.kind == kind, "\(line) \(found.message)")
                }
                ca.state.withLock { $0.capabilities = StandInCA.Answer(status: 404) }
                let absent = try scep(["caps", ca.url])
                #expect(absent.kind == "http-status")
            }
        }

        /// Through a proxy, a request has the whole URL, and the password that the file has.
        @Test func theProxyIsAsked() throws {
            try withCA { ca, directory in
                let password = try directory.writePrivate(Array("user:secret\n".utf8), to: "password")
                let bad = try directory.writePrivate(Array("secret\n".utf8), to: "bad")
                let proxy = "http://127.0.0.1:\(ca.port)"
                for proxy in [proxy, proxy + "/"] {
                    let found = try scep([
                        "caps", "http://ca.invalid/scep", "--proxy", proxy, "--proxy-password-file",
                        String(decoding: password, as: UTF8.self),
                    ])
                    #expect(found.exit == .done && found.report["url"].text == "http://ca.invalid/scep")
                }
                func kind(_ password: [UInt8]) throws -> String {
                    try scep([
                        "caps", ca.url, "--proxy", proxy, "--proxy-password-file",
                        String(decoding: password, as: UTF8.self),
                    ]).kind
                }
                #expect(try kind(bad) == "bad-proxy-password")
                for (count, expected) in [(255, ""), (256, "bad-proxy-password")] {
                    let text = "user:" + String(repeating: "x", count: count - 5)
                    let file = try directory.writePrivate(Array(text.utf8), to: "\(count)")
                    #expect(try kind(file) == expected, "\(count)")
                }
            }
        }

        @Test func certificatesOfTheCAAreShownAndSaved() throws {
            try withCA { ca, directory in
                let output = directory.path + "/ca.pem"
                let found = try scep(["ca", ca.url, "--output", output])
                #expect(found.exit == .done)
                #expect(found.report["url"].text == ca.url)
                #expect(found.report["verified"].value as? Bool == false)
                #expect(found.report["certificates"].count == 1)
                let item = found.report["certificates"][0]
                try check(item, ca.ca.certificate)
                #expect(item["role"].text == "CA")
                #expect(item["trusted"].value == nil && item["encryptsTo"].value as? Bool == true)
                #expect(
                    item["ifPinned"].text
                        == "not verified; would trust 1 of 1, and encrypt to CN=Stand-in CA,O=Example")
                #expect(try read(directory, "ca.pem") == ca.ca.certificate)
                #expect(ca.asked == ["GetCACert"])

                let pin = try ca.ca.fingerprint().replacing(":", with: "")
                let pinned = try scep(["ca", ca.url, "--fingerprint", pin, "--output", output])
                #expect(pinned.exit == .done)
                #expect(pinned.report["verified"].value as? Bool == true)
                #expect(pinned.report["certificates"][0]["trusted"].value as? Bool == true)
                #expect(pinned.report["certificates"][0]["reason"].text == "it is pinned")
                #expect(pinned.report["certificates"][0]["ifPinned"].value == nil)

                try FileManager.default.removeItem(atPath: output)
                let wrong = String(repeating: "00", count: 32)
                let other = try scep(["ca", ca.url, "--fingerprint", wrong, "--output", output, "--json"])
                #expect(other.exit == .trust)
                #expect(other.report["error"]["kind"].text == "fingerprint-mismatch")
                #expect(
                    other.report["error"]["message"].text
                        == "none of the CA's certificates has this fingerprint; theirs are \(pin.lowercased()); "
                        + "compare them with what the CA's operator says")
                // Somebody else's certificates are not kept.
                #expect(!FileManager.default.fileExists(atPath: output))
                #expect(try scep(["ca", ca.url, "--fingerprint", "00"]).kind == "bad-value")
                #expect(try scep(["ca", ca.url, "--key", "rsa1024"]).kind == "bad-value")
            }
        }

        /// What each of several would mean, if it were the one that is pinned.
        @Test func severalCertificatesOfTheCA() throws {
            try withCA { ca, directory in
                let ra = try OpenSSLIdentity(
                    subject: "/CN=RA", issuedBy: ca.ca,
                    extensions: ["keyUsage=critical,keyEncipherment", "extendedKeyUsage=1.3.6.1.5.5.7.3.28"])
                let stranger = try OpenSSLIdentity.authority
                ca.state.withLock {
                    $0.certificates = StandInCA.Answer(type: "application/x-x509-ca-ra-cert", body: [])
                }
                let bundle = try OpenSSLIdentity.bundle([stranger, ra, ca.ca])
                ca.state.withLock { $0.certificates.body = bundle }
                let found = try scep(["ca", ca.url, "--output", directory.path + "/all"])
                #expect(found.exit == .done)
                let items = found.report["certificates"].items
                #expect(items.map { $0["role"].text } == ["CA", "RA", "CA"])
                #expect(items.map { $0["encryptsTo"].value as? Bool } == [false, true, false])
                #expect(
                    items.map { $0["ifPinned"].text } == [
                        "not verified; would trust 1 of 3, and encrypt to CN=Example CA,O=Example,C=DE",
                        "would be refused: fingerprint is not of a CA's certificate; use the CA's own",
                        "not verified; would trust 2 of 3, and encrypt to CN=RA",
                    ])
                #expect(
                    try read(directory, "all") == stranger.certificate + ra.certificate + ca.ca.certificate)
                let pin = try ca.ca.fingerprint().replacing(":", with: "")
                #expect(
                    try scep(["ca", ca.url, "--fingerprint", pin, "--output", directory.path + "/all"]).exit == .done)
                #expect(try read(directory, "all") == ra.certificate + ca.ca.certificate)

                ca.state.withLock { $0.certificates = StandInCA.Answer(type: "text/html", body: Array("<html>".utf8)) }
                #expect(try scep(["ca", ca.url]).kind == "not-scep")
            }
        }

        /// What follows from one CA alone is shown, where what came with it is none.
        @Test(arguments: [true, false]) func theOneThatIsACAIsShownAsThat(isFirst: Bool) throws {
            try withCA { ca, _ in
                let device = try OpenSSLIdentity(subject: "/CN=device", issuedBy: OpenSSLIdentity.authority)
                let bundle = try OpenSSLIdentity.bundle(isFirst ? [ca.ca, device] : [device, ca.ca])
                ca.state.withLock {
                    $0.certificates = StandInCA.Answer(type: "application/x-x509-ca-ra-cert", body: bundle)
                }
                let items = try scep(["ca", ca.url]).report["certificates"].items
                #expect(items.map { $0["encryptsTo"].value as? Bool } == (isFirst ? [true, false] : [false, true]))
            }
        }

        /// A reply has its space, and not one byte more.
        @Test func aReplyHasItsSpace() throws {
            try withCA { ca, _ in
                let start = Array("AES\nSHA-256\n".utf8)
                for (size, exit) in [(65_535, ExitCode.done), (65_536, .network)] {
                    let body = start + [UInt8](repeating: 0x0A, count: size - start.count)
                    ca.state.withLock { $0.capabilities.body = body }
                    let found = try scep(["caps", ca.url])
                    #expect(found.exit == exit, "\(size): \(found.message)")
                }
            }
        }

        /// From nothing to a certificate, a look at it, and its renewal.
        @Test func aLifeOfAnIdentity() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let others = try others(ca, directory)
                let folder = directory.appending(path: "identity")
                #expect(try scep(["status"] + others.suffix(2)).kind == "no-identity")
                #expect(try scep(["renew"] + options).kind == "no-identity")
                try leave(directory)
                #expect(try scep(["poll"] + options).kind == "nothing-pending")
                try leave(directory)
                #expect(try scep(["cancel"] + others.suffix(2)).kind == "option-missing")
                let none = try scep(["status"] + others.suffix(2))
                #expect(none.exit == .pending && none.report["state"].text == "none")

                try leave(directory)
                let enrolled = try scep(["enroll"] + options)
                #expect(enrolled.exit == .done, "\(enrolled.message)")
                let issued = try read(folder, "current/cert.pem")
                #expect(issued == ca.state.withLock { $0.issued })
                try check(enrolled.report["certificate"], issued)
                #expect(enrolled.report["directory"].text?.hasSuffix("/identity") == true)
                #expect(enrolled.report["next"].text == "renew")
                #expect(ca.asked == ["GetCACaps", "GetCACert", "19 CN=gateway 7,O=Example"])
                #expect(ca.state.withLock { $0.passwords } == ["one-time 7"])
                #expect(
                    try OpenSSL.run(["pkey", "-in", folder.path + "/current/key.pem", "-pubout"])
                        == OpenSSL.run(["pkey", "-pubout"], input: TestKey.rsa.pem))

                let configuration = try directory.write(
                    Array("url = \(ca.url)\nfingerprint = \(others[3])\nsubject = CN=x\n".utf8), to: "scep.conf")
                let status = try scep(["status"] + others.suffix(2), configuration: configuration)
                #expect(status.exit == .done && status.report["state"].text == "valid")
                try check(status.report["certificate"], issued)
                #expect(status.report["requestUnderWay"].value as? Bool == false)
                #expect(status.report["nextCAKnown"].value as? Bool == false)
                #expect(status.report["nextTime"].text == enrolled.report["nextTime"].text)
                #expect(status.report["lastError"].value == nil && status.report["transactionID"].value == nil)
                #expect(status.report["lastRun"].text != nil && status.report["nextAttempt"].value == nil)
                let day = 86_400
                let end = try #require(
                    status.report["certificate"]["notAfter"].text.flatMap { ISO8601DateFormatter().date(from: $0) })
                for (left, minimum, exit, days) in [
                    (29 * day, 29, ExitCode.done, 29), (29 * day - 1, 29, .trust, 28), (29 * day - 1, 28, .done, 28),
                    (day, 0, .done, 1), (day - 1, 0, .done, 0), (0, 0, .done, 0), (-1, 0, .trust, -1),
                    (-day, 0, .trust, -1), (-day - 1, 0, .trust, -2),
                ] {
                    var found = Outcome()
                    let said = try heard {
                        found = try atTime(Int(end.timeIntervalSince1970) - left) {
                            try scep(["status", "--min-days", "\(minimum)"] + others.suffix(2))
                        }
                    }
                    let isSoon = said.contains("warning: the certificate expires sooner than min-days says")
                    #expect(isSoon == (left >= 0 && exit == .trust), "\(left)")
                    #expect(found.exit == exit && found.report["daysLeft"].number == days, "\(left)")
                    #expect(found.report["state"].text == (left < 0 ? "expired" : "valid"))
                }
                #expect(try scep(["status"] + others.suffix(2) + ["--min-days", "10000"]).exit == .trust)
                #expect(try scep(["status"] + others.suffix(2) + ["--min-days", "10001"]).kind == "bad-value")

                // Nothing is asked where nothing is due.
                try leave(directory)
                ca.state.withLock { $0.asked = [] }
                #expect(try scep(["enroll"] + options).exit == .done)
                try leave(directory)
                #expect(try scep(["agent"] + options).exit == .done)
                #expect(ca.asked == [])
                #expect(try read(folder, "current/cert.pem") == issued)

                try leave(directory)
                let known = try scep(["cert", "--output", directory.path + "/out"] + others)
                #expect(known.exit == .done, "\(known.message)")
                #expect(known.report["known"].value as? Bool == true)
                try check(known.report["certificate"], issued)
                #expect(try read(directory, "out") == issued)
                #expect(ca.asked.last == "21")

                try leave(directory)
                let renewed = try scep(["renew", "--renewal-key", "same"] + options)
                #expect(renewed.exit == .done, "\(renewed.message)")
                let second = try read(folder, "current/cert.pem")
                #expect(second != issued && second == ca.state.withLock { $0.issued })
                try check(renewed.report["certificate"], second)
                #expect(ca.asked.last == "17 CN=gateway 7,O=Example")
                let event = String(decoding: try read(folder, "current/event"), as: UTF8.self)
                #expect(event.hasPrefix("SCEP_EVENT=renewed\n"))
            }
        }

        /// What is tried next, and when, is known from the last run; what is due next, of whatever kind, has its word.
        @Test func whatIsNextIsShown() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                #expect(try scep(["enroll"] + options).exit == .done)
                let workspace = try Workspace.open(
                    Gateway.CommandLine(.status, options[4...5].map { Array($0.utf8) }).settings, isReading: true)
                defer { workspace.folder.close() }
                var file = try #require(StatusFile.read(in: workspace))
                file.next = Text("retry")
                file.nextTime = 2_000_000_000
                try file.write(in: workspace)
                let status = try scep(["status"] + options[4...5])
                #expect(status.exit == .done && status.report["nextAttempt"].text == "retry")
                #expect(status.report["nextAttemptTime"].text == "2033-05-18T03:33:20Z")
            }
            for (goal, word) in [(.takeOver, "take-over"), (.nextCA, "next-ca"), (.renew, "renew")] as [(Goal, String)]
            {
                var report = Report(.json)
                report.nextAction(goal, 2_000_000_000)
                let found = Found(value: try JSONSerialization.jsonObject(with: Data(report.finish())))
                #expect(found["next"].text == word && found["nextTime"].text == "2033-05-18T03:33:20Z")
            }
        }

        /// While the CA's operator decides.
        @Test func aRequestThatIsPending() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let folder = Array(options[4...5])
                ca.state.withLock { $0.pending = 2 }
                let asked = try scep(["enroll"] + options)
                #expect(asked.exit == .pending)
                #expect(
                    asked.message.hasPrefix("the CA has not decided; have its operator approve the request ")
                        && asked.message.hasSuffix(" for CN=gateway 7,O=Example, then run: scep poll"),
                    "\(asked.message)")
                let status = try scep(["status"] + folder)
                #expect(status.exit == .pending && status.report["state"].text == "pending")
                #expect(status.report["requestUnderWay"].value as? Bool == true)
                let id = try #require(status.report["transactionID"].text)
                #expect(asked.message.contains(" \(id) "))
                #expect(status.report["lastError"]["kind"].text == asked.kind)
                #expect(status.report["lastError"]["message"].text == asked.message)

                try leave(directory)
                #expect(try scep(["poll"] + options).exit == .pending)
                try leave(directory)
                let other = options.map { $0.hasPrefix("CN=") ? "CN=gateway 8" : $0 }
                #expect(try scep(["poll"] + other).kind == "request-differs")
                try leave(directory)
                let polled = try scep(["poll"] + options)
                #expect(polled.exit == .done, "\(polled.message)")
                #expect(polled.report["certificate"]["subject"].text == "CN=gateway 7,O=Example")
                #expect(ca.asked.filter { $0.count == 2 } == ["20", "20"])
                let done = try scep(["status"] + folder)
                #expect(done.exit == .done && done.report["transactionID"].value == nil)
                #expect(done.report["lastError"].value == nil)
            }
        }

        @Test func aRequestIsGivenUp() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let others = try others(ca, directory)
                ca.state.withLock { $0.pending = 1 }
                #expect(try scep(["enroll"] + options).exit == .pending)
                try leave(directory)
                ca.state.withLock { $0.asked = [] }
                // It needs no subject, and the CA is not told.
                let cancelled = try scep(["cancel"] + others.suffix(2))
                #expect(cancelled.kind == "option-missing")
                let configuration = try directory.write(
                    Array("url = \(ca.url)\nfingerprint = \(others[3])\n".utf8), to: "scep.conf")
                let given = try scep(["cancel"] + others.suffix(2), configuration: configuration)
                #expect(given.exit == .done, "\(given.message)")
                #expect(given.report["directory"].text?.hasSuffix("/identity") == true)
                #expect(given.report["certificate"].value == nil && ca.asked == [])
                let status = try scep(["status"] + others.suffix(2))
                #expect(status.exit == .pending && status.report["state"].text == "none")
                #expect(status.report["requestUnderWay"].value as? Bool == false)
                #expect(status.report["transactionID"].value == nil)
            }
        }

        @Test func aRefusalIsToldAndKept() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                ca.state.withLock { $0.failInfo = "4" }
                let refused = try scep(["enroll"] + options)
                #expect(refused.exit == .refused && refused.kind == "refused")
                let status = try scep(["status"] + options[4...5])
                #expect(status.exit == .pending && status.report["state"].text == "none")
                #expect(status.report["lastError"]["kind"].text == "refused")
                #expect(status.report["lastError"]["message"].text == refused.message)
            }
        }

        /// What is to be done about a refusal depends on whether it is about the certificate that there is.
        @Test func aRefusedRenewalIsNoRefusedEnrolment() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                #expect(try scep(["enroll"] + options).exit == .done)
                ca.state.withLock { $0.failInfo = "2" }
                for (line, words) in [
                    (["renew"], "scep enroll --again asks for a new one"),
                    (["enroll", "--again", "--challenge-use", "always"], "check challenge-file and subject"),
                ] {
                    try leave(directory)
                    let refused = try scep(line + options)
                    #expect(refused.exit == .refused && refused.message.contains(words), "\(line): \(refused.message)")
                    #expect(
                        try scep(["status"] + options[4...5]).report["lastError"]["message"].text == refused.message)
                }
            }
        }

        @Test func theListOfTheCAIsShownAndSaved() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let others = try others(ca, directory)
                #expect(try scep(["enroll"] + options).exit == .done)
                let serial = try OpenSSL.run(
                    ["x509", "-noout", "-serial"], input: ca.state.withLock { $0.issued })
                let number = String(decoding: serial, as: UTF8.self).dropFirst(7).trimmingCharacters(in: .newlines)
                let good = try ca.ca.revocationList(of: ["1A2B"])
                let bad = try ca.ca.revocationList(of: ["1A2B", number])
                for list in [good, bad] {
                    try leave(directory)
                    ca.state.withLock { $0.revocationList = list }
                    let found = try scep(["crl", "--output", directory.path + "/crl"] + others)
                    let saved = try read(directory, "crl")
                    #expect(try OpenSSL.run(["crl", "-outform", "DER"], input: saved) == list)
                    let times = String(
                        decoding: try OpenSSL.run(
                            ["crl", "-noout", "-lastupdate", "-nextupdate", "-dateopt", "iso_8601"], input: saved),
                        as: UTF8.self
                    ).split(separator: "\n").map { String($0.drop { $0 != "=" }.dropFirst()).replacing(" ", with: "T") }
                    if list == good {
                        #expect(found.exit == .done, "\(found.message)")
                        #expect(found.report["revoked"].value as? Bool == false)
                        #expect(found.report["issuer"].text == "CN=Stand-in CA,O=Example")
                        #expect(found.report["thisUpdate"].text == times[0])
                        #expect(found.report["nextUpdate"].text == times[1])
                    } else {
                        #expect(found.exit == .trust && found.kind == "revoked")
                    }
                }
                let status = try scep(["status"] + options[4...5])
                #expect(status.exit == .trust && status.report["state"].text == "revoked")
                #expect(status.report["lastError"]["kind"].text == "revoked")
            }
        }

        @Test func theNextCAIsShownAndSaved() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let others = try others(ca, directory)
                #expect(try scep(["next-ca"] + others).kind == "no-identity")
                try leave(directory)
                #expect(try scep(["enroll"] + options).exit == .done)
                try leave(directory)
                let none = try scep(["next-ca"] + others)
                #expect(none.exit == .refused && none.kind == "no-next-ca", "\(none)")
                let next = try OpenSSLIdentity(
                    subject: "/O=Example/CN=Next CA",
                    extensions: ["keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign"])
                try ca.offer(next: [next])
                try leave(directory)
                let found = try scep(["next-ca", "--output", directory.path + "/next"] + others)
                #expect(found.exit == .done, "\(found.message)")
                #expect(found.report["nextCA"].count == 1)
                try check(found.report["nextCA"][0], next.certificate)
                #expect(try read(directory, "next") == next.certificate)
                #expect(try read(directory, "identity/current/next-ca.pem") == next.certificate)
                let status = try scep(["status"] + options[4...5])
                #expect(status.report["nextCAKnown"].value as? Bool == true)
            }
        }

        /// Whoever asks at a terminal hears at once that nobody answers.
        @Test func nobodyWaitsForACAThatIsNotThere() throws {
            try withCA { ca, directory in
                let options = try enrolment(ca, directory)
                let others = try others(ca, directory)
                #expect(try scep(["enroll"] + options).exit == .done)
                ca.end()
                // A password that cannot be read is nothing to a renewal, which needs none.
                let unread = ["renew"] + options.dropLast() + ["/absent"]
                for line in [["next-ca"] + others, ["crl"] + others, ["cert"] + others, ["renew"] + options, unread] {
                    try leave(directory)
                    let found = try scep(line)
                    #expect(found.exit == .network && found.kind == "connection-refused", "\(line[0]) \(found.message)")
                    let status = try scep(["status"] + options[4...5])
                    #expect(status.exit == .done && status.report["lastError"]["kind"].text == "connection-refused")
                }
            }
        }

        /// Above a CA that is pinned there is the root that came with it, for other programs; a pass that asks nobody
        /// leaves it there.
        @Test func theRootThatTheCAOffersIsPublished() throws {
            let root = try OpenSSLIdentity.authority
            let sub = try OpenSSLIdentity(
                subject: "/CN=Sub", issuedBy: root,
                extensions: [
                    "basicConstraints=critical,CA:TRUE",
                    "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign",
                ])
            let ca = try StandInCA(sub)
            defer { ca.end() }
            let bundle = try OpenSSLIdentity.bundle([sub, root])
            ca.state.withLock { $0.certificates = .init(type: "application/x-x509-ca-ra-cert", body: bundle) }
            try withTemporaryDirectory { directory in
                let options = try enrolment(ca, directory)
                let enrolled = try scep(["enroll"] + options)
                #expect(enrolled.exit == .done, "\(enrolled.message)")
                #expect(enrolled.report["certificate"]["issuer"].text == "CN=Sub")
                let issued = ca.state.withLock { $0.issued }
                for _ in 0..<2 {
                    #expect(try read(directory, "identity/above") == root.der)
                    #expect(try read(directory, "identity/current/ca.pem") == root.certificate)
                    #expect(try read(directory, "identity/current/chain.pem") == sub.certificate + root.certificate)
                    #expect(try read(directory, "identity/current/fullchain.pem") == issued + sub.certificate)
                    try leave(directory)
                    #expect(try scep(["agent"] + options).exit == .done)
                }
            }
        }

        /// The command reads what its options name.
        @Test func inspectionTakesItsOptions() throws {
            try withTemporaryDirectory { directory in
                let ca = try OpenSSLIdentity.authority
                let device = try OpenSSLIdentity(subject: "/CN=x", for: .rsa)
                let csr = try device.request(subject: "/CN=x")
                let request = try SignedMessage.request("19", from: device, content: ca.envelope(csr)).encoded()
                let issued = try OpenSSLIdentity(subject: "/CN=x", for: .rsa, issuedBy: ca)
                let reply = try SignedMessage.reply(
                    "0", from: ca, content: device.envelope(OpenSSLIdentity.bundle([issued]), cipher: "-des3")
                ).encoded()
                let files = try [
                    "ca": ca.certificate, "request": request, "reply": reply, "noise": Array("noise".utf8),
                ].mapValues { bytes in try directory.write(bytes, to: UUID().uuidString) }
                let key = String(decoding: try directory.writePrivate(device.key, to: "key"), as: UTF8.self)
                let damaged = try String(decoding: directory.writePrivate([1, 2], to: "damaged"), as: UTF8.self)
                let (authority, asked, answered) = (files["ca"] ?? "", files["request"] ?? "", files["reply"] ?? "")

                #expect(try scep(["inspect"]).kind == "no-file")
                let bare = try scep(["inspect", answered])
                #expect(bare.exit == .trust)
                let found = bare.report["files"][0].object
                #expect(found.result("answersRequest") == "unknown" && found["content"].result("cipher") == "fail")
                #expect(found.result("signer") == "unknown" && found["content"].result("decryption") == "unknown")

                let all = try scep([
                    "inspect", answered, "--ca-file", authority, "--request", asked, "--existing-key", key, "--allow",
                    "3des", "--fingerprint", ca.fingerprint().replacing(":", with: ""),
                ])
                #expect(all.exit == .done, "\(all.message) \(all.report.failures)")
                let whole = all.report["files"][0].object
                #expect(whole.result("issuedCertificate") == "pass" && whole.result("signer") == "pass")
                #expect(whole.result("nonceMatches") == "pass" && whole["content"].result("cipher") == "pass")
                // The machine's clock says what is valid.
                #expect(whole["certificates"][0].result("validity") == "pass")
                let later = try atTime(4_000_000_000) { try scep(["inspect", authority]) }
                #expect(later.exit == .trust && later.report["files"][0].object.result("validity") == "fail")

                #expect(try scep(["inspect", authority, files["noise"] ?? ""]).exit == .trust)
                #expect(try scep(["inspect", authority, asked]).report["files"].count == 2)
                for (options, kind) in [
                    (["--ca-file", files["noise"] ?? ""], "bad-ca-file"),
                    (["--request", authority], "bad-request-file"), (["--fingerprint", "00"], "bad-fingerprint"),
                    (["--allow", "all"], "bad-value"), (["--key", "rsa2048"], "bad-option"),
                    (["--existing-key", damaged], "key-failed"),
                    (["--existing-key", directory.path + "/absent"], "file-failed"),
                    (["--challenge-file", directory.path + "/absent"], "file-failed"),
                    (["--ca-file", directory.path + "/absent"], "file-failed"),
                ] {
                    let refused = try scep(["inspect", authority] + options)
                    #expect(refused.kind == kind, "\(options) \(refused.message)")
                }

                // A password opens what is for one, and is shown in a request to whoever asks for it.
                let password = try directory.writePrivate(Array("one-time\n".utf8), to: "password")
                var envelope = PasswordEnvelope()
                envelope.password = "one-time"
                let sealed = try directory.write(envelope.message(OpenSSLIdentity.bundle([issued])), to: "sealed")
                let opened = try scep([
                    "inspect", sealed, "--challenge-file", String(decoding: password, as: UTF8.self), "--allow",
                    "sha1,3des,des",
                ])
                #expect(opened.report["files"][0].object.result("decryption") == "pass")
                let asking = try directory.write(
                    Array(
                        "[req]\ndistinguished_name = n\nattributes = a\nprompt = no\n[n]\nCN = x\n[a]\nchallengePassword = seven 7\n"
                            .utf8), to: "request.cnf")
                let requested = try directory.write(
                    OpenSSL.run(["req", "-new", "-config", asking, "-key", key]), to: "csr")
                for isShown in [false, true] {
                    let outcome = try scep(["inspect", requested] + (isShown ? ["--show-challenge"] : []))
                    let attribute = outcome.report["files"][0].object["attributes"].items.first {
                        $0["attribute"].text == "challengePassword"
                    }
                    #expect(attribute?["value"].text == (isShown ? "seven 7" : nil), "\(outcome)")
                }
                // Only an elliptic curve's device has a use for a CA that cannot decrypt.
                let curve = try directory.write(
                    OpenSSLIdentity(subject: "/CN=EC CA", for: .p256).certificate, to: "curve")
                #expect(try scep(["inspect", curve]).exit == .trust)
                for (kind, exit) in [("p384", ExitCode.done), ("p256", .done), ("rsa3072", .trust), ("rsa1", .usage)] {
                    let configuration = try directory.write(Array("key = \(kind)".utf8), to: "scep.conf")
                    let checked = try scep(["inspect", curve], configuration: configuration)
                    #expect(checked.exit == exit, "\(kind) \(checked.message)")
                }
            }
        }

        /// What the settings of keys come from.
        @Test func settingsOfKeysAreRead() throws {
            try withTemporaryDirectory { directory in
                func path(_ text: String, _ name: String) throws -> String {
                    try String(decoding: directory.writePrivate(Array(text.utf8), to: name), as: UTF8.self)
                }
                func settings(_ line: [String]) throws -> KeySettings {
                    try KeySettings(
                        Gateway.CommandLine(.enroll, line.map { Array($0.utf8) }).settings)
                }
                func kind(_ line: [String]) throws -> String {
                    do {
                        _ = try settings(line)
                        return ""
                    } catch let failure as Output.Failure {
                        return String(decoding: failure.kind, as: UTF8.self)
                    }
                }
                let pin = try path("1234\n", "pin")
                let phrase = try path("open\n", "phrase")
                let key = try path("a key", "key")
                let module = ["--pkcs11-module", "/m.so", "--pkcs11-token", "my token", "--pkcs11-pin-file", pin]
                let plain = try settings([])
                #expect(plain.token == nil && plain.passphrase.isEmpty && plain.existingKey == nil)
                let file = try settings(["--key-passphrase-file", phrase, "--existing-key", key])
                #expect(file.passphrase == Array("open".utf8) && file.existingKey == Array("a key".utf8))
                let token = try #require(try settings(module).token)
                #expect(token.module == Array("/m.so".utf8) && token.label == Array("my token".utf8))
                #expect(token.pin == Array("1234".utf8) && token.keyLabel == Array("scep".utf8))
                #expect(token.folder == Array("/var/lib/scep".utf8) && token.existingLabel.isEmpty)
                let named = try #require(
                    try settings(
                        module + ["--pkcs11-label", "mine", "--directory", "/d", "--existing-key", "token"]
                    ).token)
                #expect(named.keyLabel == Array("mine".utf8) && named.existingLabel == named.keyLabel)
                #expect(named.folder == Array("/d".utf8))
                for (line, expected) in [
                    (module + ["--existing-key", key], "bad-value"), (["--existing-key", "token"], "bad-value"),
                    (["--pkcs11-token", "x"], "bad-value"), (["--pkcs11-label", "x"], "bad-value"),
                    (["--pkcs11-pin-file", pin], "bad-value"), (Array(module.prefix(2)), "option-missing"),
                    (Array(module.prefix(4)), "option-missing"), (["--key-passphrase-file", "/absent"], "file-failed"),
                ] {
                    let found = try kind(line)
                    #expect(found == expected, "\(line)")
                }
                // A file that has served already may be gone.
                var absent = try settings(["--existing-key", "/absent"])
                #expect(absent.existingKey == nil && absent.existingKeyFailure != nil)
                #expect(throws: Output.Failure.self) { try absent.needExistingKey() }
                absent.forgetExistingKey()
                try absent.needExistingKey()
            }
        }

        /// A password has 255 bytes at most, which a run that needs none is not stopped by.
        @Test(arguments: [(1, ""), (255, ""), (256, "bad-challenge"), (257, "bad-challenge")])
        func aPasswordHasItsSize(count: Int, kind: String) throws {
            try withTemporaryDirectory { directory in
                let file = try directory.writePrivate([UInt8](repeating: 0x61, count: count), to: "password")
                let line = ["--challenge-file", String(decoding: file, as: UTF8.self)].map { Array($0.utf8) }
                let text = try AgentText(Gateway.CommandLine(.enroll, line).settings)
                #expect(String(decoding: text.passwordFailure?.kind ?? [], as: UTF8.self) == kind)
                let hasPassword = text.text.count > count
                #expect(hasPassword == kind.isEmpty)
                let message =
                    kind.isEmpty ? "" : String(decoding: file, as: UTF8.self) + ": the password has more than 255 bytes"
                #expect(String(decoding: text.passwordFailure?.message ?? [], as: UTF8.self) == message)
            }
        }

        /// Standard error, as a terminal's user, the journal or a file gets it.
        @Test func progressHasItsWords() throws {
            func said(_ line: [String], journal: Bool, _ body: (inout Gateway.Progress) -> Void) throws -> [String] {
                let settings = try Gateway.CommandLine(.agent, line.map { Array($0.utf8) }).settings
                return try heard {
                    if journal { setenv("JOURNAL_STREAM", "1:2", 1) }
                    defer { unsetenv("JOURNAL_STREAM") }
                    var progress = try Gateway.Progress(settings)
                    body(&progress)
                }.filter { $0.contains("seven") }
            }
            let failure = Output.Failure(.network, "x", "seven failed")
            func speak(_ progress: inout Gateway.Progress) {
                progress.say(Text("seven is said"))
                progress.write(line: Text("seven\u{1B}").span)
                progress.warn(Text("seven is odd"))
                progress.complain(failure)
            }
            let plain = ["seven is said", "seven\\1B", "warning: seven is odd", "scep: error: seven failed"]
            #expect(try said([], journal: false, speak) == plain)
            #expect(try said(["--color", "never"], journal: false, speak) == plain)
            #expect(try said(["--quiet"], journal: false, speak) == Array(plain.suffix(2)))
            #expect(
                try said([], journal: true, speak)
                    == ["<6>seven is said", "<6>seven\\1B", "<4>warning: seven is odd", "<3>error: seven failed"])
            let end = "\u{1B}[0m"
            #expect(
                try said(["--color", "always"], journal: false, speak) == [
                    "\u{1B}[2mseven is said\(end)", "\u{1B}[2mseven\\1B\(end)",
                    "\u{1B}[33mwarning: seven is odd\(end)", "scep: \u{1B}[1;31merror: seven failed\(end)",
                ])
            #expect(throws: Output.Failure.self) { try said(["--color", "red"], journal: false, speak) }
        }
    }
}
