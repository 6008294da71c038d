import Foundation
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

extension KeyTests {
    /// Whole runs of the program with a CA to ask: what it says, how it ends, and what it leaves for the next run. Each is a
    /// process of its own, as it is for whoever calls it. Among the tests of keys, since those change what the CA has of
    /// this process.
    @Suite struct TranscriptTests {
        /// A folder with a configuration, and the program to run with it.
        struct Machine {
            let folder: URL
            let ca: StandInCA

            init() throws {
                ca = try StandInCA()
                folder = FileManager.default.temporaryDirectory.appending(path: "scep-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                _ = try folder.writePrivate(TestKey.rsa.pem, to: "key")
                _ = try folder.writePrivate(Array("one-time\n".utf8), to: "password")
                try configure()
            }

            func end() {
                ca.end()
                try? FileManager.default.removeItem(at: folder)
            }

            /// - Parameter key: the lines that say where the key is.
            func configure(_ lines: String..., key: [String]? = nil) throws {
                let pin = try ca.ca.fingerprint().replacing(":", with: "")
                let text = """
                    url = \(ca.url)
                    fingerprint = \(pin)
                    subject = CN=gateway 7
                    challenge-use = always
                    challenge-file = \(folder.path)/password
                    directory = \(folder.path)/identity

                    """
                let rest = (key ?? ["existing-key = \(folder.path)/key", "renewal-key = same"]) + lines
                _ = try folder.write(Array((text + rest.joined(separator: "\n") + "\n").utf8), to: "scep.conf")
            }

            /// Runs the program.
            ///
            /// - Returns: the lines on standard error, of those about events only what was asked and came of it.
            func scep(_ words: String, exits code: Int32 = 0) async -> (lines: [String], output: String) {
                let line = words.split(separator: " ").map(String.init) + ["--config", folder.path + "/scep.conf"]
                let said = await GatewayProgramTests().scep(line, exits: code)
                let lines = said.errors.split(separator: "\n").map { line -> String in
                    line.hasPrefix("event ")
                        ? line.split(separator: " ").prefix(3).joined(separator: " ")
                        : String(line).replacing(folder.path, with: "~")
                }
                return (lines, said.output)
            }

            func read(_ name: String) throws -> String {
                try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            }
        }

        func withMachine(_ body: (Machine) async throws -> Void) async throws {
            let machine = try Machine()
            defer { machine.end() }
            try await body(machine)
        }

        private static let asking = "asking the CA what it can do"
        private static let held = "event operation=- outcome=current"
        private static let requested = [
            "fetching the CA's certificates", "making a key: RSA-2048", "writing to storage",
            "requesting a certificate",
            "writing to storage",
        ]
        private static let published = "certificate and key are in ~/identity/current"
        private static let revoked =
            "warning: the CA said that this certificate is revoked; scep enroll --again asks for a new one"

        /// From a first certificate to a second one, with all that may come in between.
        @Test func aLife() async throws {
            try await withMachine { machine in
                #expect(
                    await machine.scep("enroll").lines == [Self.asking] + Self.requested + [
                        Self.published, "event operation=PKCSReq outcome=issued",
                    ])
                #expect(
                    await machine.scep("enroll").lines == [
                        "there is a certificate already; scep enroll --again asks for another", Self.held,
                    ])
                let quiet = await machine.scep("agent --quiet")
                #expect(quiet.lines.isEmpty && quiet.output.contains("\nnext: renew\n"))
                let issued = try machine.read("identity/current/cert.pem")
                let known = await machine.scep("cert --output -")
                #expect(known.output.hasPrefix(issued + "known: yes\n"))
                #expect(known.lines.last == "event operation=GetCert outcome=known")

                // A request that is given up.
                machine.ca.state.withLock { $0.pending = 1 }
                let pending = await machine.scep("enroll --again", exits: 5)
                #expect(
                    Array(pending.lines.dropLast()) == [Self.held, Self.asking] + Self.requested + [
                        "event operation=PKCSReq outcome=pending"
                    ])
                #expect(
                    pending.lines.last?.hasPrefix("scep: error: the CA has not decided; have its operator ") == true)
                #expect(
                    await machine.scep("cancel").lines == [
                        Self.held, "writing to storage",
                        "the request is given up here; the CA was not told, and may still issue its certificate",
                    ])
                let renewed = await machine.scep("renew")
                #expect(renewed.lines.suffix(2) == [Self.published, "event operation=RenewalReq outcome=issued"])
                #expect(
                    await machine.scep("status --min-days 60", exits: 3).lines
                        == ["warning: the certificate expires sooner than min-days says"])
                #expect(await machine.scep("status --min-days 29").lines == [])

                // It stays revoked, whatever is run next, until there is another.
                let serial = try OpenSSL.run(
                    ["x509", "-noout", "-serial"], input: machine.ca.state.withLock { $0.issued })
                let number = String(decoding: serial, as: UTF8.self).dropFirst(7).trimmingCharacters(in: .newlines)
                let list = try machine.ca.ca.revocationList(of: [number])
                machine.ca.state.withLock { $0.revocationList = list }
                let crl = await machine.scep("crl --output \(machine.folder.path)/crl", exits: 3)
                #expect(crl.lines.dropLast().suffix(2) == [Self.revoked, "saved in ~/crl"])
                #expect(crl.lines.last?.hasPrefix("scep: error: the CA has revoked the certificate") == true)
                #expect(await machine.scep("cert").lines.last == Self.revoked)
                #expect(await machine.scep("agent").lines == [Self.held, Self.revoked])
                let over = await machine.scep("status --min-days 60", exits: 3)
                #expect(over.output.contains("\nstate: revoked\n") && over.lines == [])
                #expect(await machine.scep("enroll --again").lines.contains(Self.published))
                #expect(await machine.scep("status").output.contains("\nstate: valid\n"))

                // A failure stays until a run goes well.
                machine.ca.end()
                let failed = await machine.scep("renew", exits: 2)
                #expect(failed.lines.last?.hasPrefix("scep: error: nothing listens at url; is the CA running?") == true)
                #expect(await machine.scep("status").output.contains("\n  kind: connection-refused\n"))
                #expect(await machine.scep("agent").lines == [Self.held])
                #expect(await machine.scep("status").output.contains("lastError") == false)
            }
        }

        /// A timer's pass leaves what failed until its time; whoever asks by hand has it tried at once.
        @Test func whatFailedIsLeftUntilItsTime() async throws {
            try await withMachine { machine in
                try machine.configure("retry = 3600", "retry-cap = 3600")
                machine.ca.end()
                let failed = await machine.scep("agent", exits: 2)
                #expect(failed.lines.contains("event operation=GetCACaps outcome=failed"))
                let status = await machine.scep("status", exits: 5).output
                #expect(status.contains("\n  kind: connection-refused\n"))
                let left = await machine.scep("agent", exits: 5)
                #expect(left.lines.count == 2)
                #expect(
                    left.lines.first?.wholeMatch(
                        of:
                            /the last try failed: the next one is due at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; scep enroll or scep renew tries at once/
                    ) != nil)
                #expect(
                    left.lines.last == "scep: error: there is no certificate in this folder; scep enroll gets one")
                // What failed before has still failed.
                #expect(await machine.scep("status", exits: 5).output == status)
                #expect(await machine.scep("enroll", exits: 2).lines.first == Self.asking)
            }
        }

        /// What cannot be published is said when that is found, and at the end; the next run does what was left.
        @Test func whatCannotBePublishedIsSaid() async throws {
            try await withMachine { machine in
                let inTheWay = machine.folder.appending(path: "identity/current/x")
                try FileManager.default.createDirectory(at: inTheWay, withIntermediateDirectories: true)
                let failed = await machine.scep("enroll", exits: 6)
                let words = "scep: error: ~/identity/current: cannot be replaced: Is a directory"
                #expect(failed.lines.filter { $0 == words }.count == 2 && failed.lines.last == words, "\(failed.lines)")
                try FileManager.default.removeItem(at: machine.folder.appending(path: "identity/current"))
                #expect(await machine.scep("agent").lines.contains("event operation=- outcome=current"))
                #expect(try machine.read("identity/current/cert.pem").hasPrefix("-----BEGIN CERTIFICATE-----"))
            }
        }

        /// A passphrase that is another than the one before is told before the CA is asked, whatever is due.
        @Test func aPassphraseThatIsWrongIsToldFirst() async throws {
            try await withMachine { machine in
                func write(_ passphrase: String) throws {
                    _ = try machine.folder.writePrivate(Array("\(passphrase)\n".utf8), to: "passphrase")
                }
                try machine.configure("key-passphrase-file = \(machine.folder.path)/passphrase")
                try write("right")
                _ = await machine.scep("enroll")
                #expect(
                    try machine.read("identity/current/key.pem").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
                try write("wrong")
                machine.ca.state.withLock { $0.asked = [] }
                for command in ["renew", "agent", "cert"] {
                    #expect(
                        await machine.scep(command, exits: 6).lines.last
                            == "scep: error: the passphrase does not open the key: it was encrypted with another, or is damaged"
                    )
                }
                #expect(machine.ca.asked == [])
                try write("right")
                #expect(await machine.scep("renew").lines.contains(Self.published))
            }
        }

        @Test func aHookIsRunUntilItHasRunWell() async throws {
            try await withMachine { machine in
                try machine.configure("hook = \(machine.folder.path)/hook")
                let failed = await machine.scep("enroll", exits: 8)
                #expect(
                    failed.lines.first == "warning: the hook ~/hook cannot be run: No such file or directory")
                #expect(
                    failed.lines.suffix(2) == [
                        "running ~/hook",
                        "scep: error: the certificate is there, but the hook ~/hook could not be started: No such file or "
                            + "directory; it is run again by the next run",
                    ])
                let status = await machine.scep("status", exits: 8).output
                #expect(status.contains("\nstate: valid\n") && status.hasSuffix("\nnextAttempt: hook\n"))
                // That it is over soon is worse.
                _ = await machine.scep("status --min-days 60", exits: 3)
                _ = try machine.folder.writePrivate(Array("#!/bin/sh\n".utf8), to: "hook", mode: 0o700)
                #expect(await machine.scep("agent").lines == [Self.held, "running ~/hook"])
                #expect(await machine.scep("agent").lines == [Self.held])
                #expect(await machine.scep("status").output.contains("nextAttempt: hook") == false)
            }
        }

        /// Its events are lines of JSON, and its status is there while it stays.
        @Test func anAgentThatStaysTellsItsEvents() async throws {
            try await withMachine { machine in
                try machine.configure("hook = \(machine.folder.path)/hook")
                // When the status is there, the agent is ended: the hook is two below it.
                let script = """
                    #!/bin/sh
                    cd '\(machine.folder.path)'
                    agent=$(awk '/^PPid/ { print $2 }' /proc/$PPID/status)
                    (n=0; until [ -s identity/status ] || [ $n -gt 1200 ]; do sleep 0.1; n=$((n+1)); done
                    cp identity/status seen; kill $agent) > /dev/null 2>&1 &

                    """
                _ = try machine.folder.writePrivate(Array(script.utf8), to: "hook", mode: 0o700)
                let stayed = await machine.scep("agent --stay --json", exits: -SIGTERM)
                let event = Found(
                    value: try JSONSerialization.jsonObject(
                        with: Data((stayed.output.split(separator: "\n").first ?? "").utf8)))
                #expect(event["operation"].text == "PKCSReq" && event["outcome"].text == "issued")
                #expect(stayed.lines.contains("running ~/hook"))
                #expect(
                    stayed.lines.last
                        == "scep: interrupted; what is stored is whole, and the next run goes on from there")
                let seen = try machine.read("seen")
                #expect(seen.wholeMatch(of: /time=\d{10,}\nkind=\nmessage=\nnext=\n(?s:.*)/) != nil, "\(seen)")
                // The next run finds all done.
                #expect(await machine.scep("agent").lines == [Self.held])
            }
        }

        /// A terminal gets short lines, in colour if it likes.
        @Test(arguments: [
            ("", [:], true, false), ("", ["NO_COLOR": "1"], false, false),
            ("", ["TERM": "dumb"], false, false), ("", ["TERM": "xterm"], true, false), ("--verbose", [:], true, true),
            ("--color never", [:], false, false),
            ("", ["JOURNAL_STREAM": "1:2"], true, false),
        ])
        func aTerminalHasShortLines(
            options: String, environment: [String: String], hasColor: Bool, hasEvents: Bool
        ) async throws {
            try await withMachine { machine in
                machine.ca.end()
                let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
                defer { close(terminal) }
                var (locked, number) = (Int32(0), Int32(-1))
                // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), which Swift does not see.
                #expect(ioctl(terminal, 0x4004_5431, &locked) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
                let name = "/dev/pts/\(number)"
                let words = "enroll \(options) --config \(machine.folder.path)/scep.conf"
                _ = await GatewayProgramTests().scep(
                    words.split(separator: " ").map(String.init), exits: 2, terminal: name, environment: environment)
                var bytes = [UInt8](repeating: 0, count: 16_384)
                var said = ""
                while case let count = Foundation.read(terminal, &bytes, bytes.count), count > 0 {
                    said += String(decoding: bytes.prefix(count), as: UTF8.self)
                }
                let (dim, end) = hasColor ? ("\u{1B}[2m", "\u{1B}[0m") : ("", "")
                #expect(said.hasPrefix("\(dim)\(Self.asking)\(end)\r\n"), "\(said)")
                #expect(said.contains("event operation=") == hasEvents)
                #expect(said.contains("scep: \(hasColor ? "\u{1B}[1;31m" : "")error: nothing listens at url"))
            }
        }

        /// What cannot be written to standard output was not done.
        @Test func aFullDiskIsTold() async throws {
            try await withMachine { machine in
                let words = "scep: error: standard output: cannot be written: No space left on device\n"
                for options in [[], ["--output", "-"]] {
                    let said = await GatewayProgramTests().scep(
                        ["ca", machine.ca.url] + options, exits: 6, onto: "/dev/full")
                    #expect(said.errors.hasSuffix(words), "\(said.errors)")
                }
                for line in [["--help"], ["--version"], ["help", "ca"], ["self-describe"]] {
                    _ = await GatewayProgramTests().scep(line, exits: 6, onto: "/dev/full")
                }
                let ca = await GatewayProgramTests().scep(["ca", machine.ca.url, "--output", "-"], exits: 0)
                #expect(
                    ca.output.hasPrefix(String(decoding: machine.ca.ca.certificate, as: UTF8.self) + "url: "))
                #expect(
                    ca.errors
                        == "fetching the CA's certificates\nwarning: nothing was verified: compare a fingerprint with "
                        + "what the CA's operator says\n")
            }
        }
    }
}
