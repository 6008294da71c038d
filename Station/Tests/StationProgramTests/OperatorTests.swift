import Authority
import AuthorityServer
import Foundation
import StationSupport
import TestSupport
import Testing

@Suite("What an operator does at a station")
struct OperatorTests {
    @Test func aBatchFromManifestToCheckpoint() async throws {
        try await withStation { folder, server, scep in
            let manifest = try writeManifest((1...4).map { "P\($0)" }, folder)
            let profile = folder.appending(path: "part.conf").path
            #expect(try scep("check", manifest, "--profile", profile).status == 0)
            #expect(try scep("run", manifest, "--profile", profile, "--form", "image", "--form", "pem").status == 0)
            #expect(try scep("status").output == "batch: 4 planned; delivered 4\n")
            // The device's own word, by way of a person.
            let pem = folder.appending(path: "station/out/P1/certificate.pem").path
            let said = try OpenSSL.run(["x509", "-in", pem, "-noout", "-fingerprint", "-sha256"])
            let fingerprint = String(decoding: said, as: UTF8.self).split(separator: "=")[1].filter(\.isHexDigit)
            let state = ["--state", folder.appending(path: "station").path]
            let line = "boot\nevent operation=- outcome=current fingerprint=\(fingerprint.lowercased())\ndone\n"
            #expect(
                try StationProgram(arguments: ["verified", "P2"] + state).run(input: line).status == 1,
                "another device's")
            #expect(try StationProgram(arguments: ["verified", "P1"] + state).run(input: line).status == 0)
            #expect(!FileManager.default.fileExists(atPath: pem), "it is wiped once it is verified")

            let checkpoint = try scep("audit", "sign").output.trimmingCharacters(in: .newlines)
            let key = folder.appending(path: "line.pem")
            try writeFile(try scep("key").output, to: key)
            #expect(try scep("rework", "P1", "--reason", "wrong label").status == 0)
            #expect(try scep("audit", "verify", "--key", key.path, "--checkpoint", checkpoint).status == 0)
            #expect(try scep("audit", "verify", "--checkpoint", String(checkpoint.dropLast(3)) + "AAA").status != 0)
            #expect(try scep("run", manifest, "--profile", profile).status == 0)
            #expect(server.authority.issuedCertificates().count == 5)
            #expect(
                try scep("scrap", "P3", "--reason", "fell").status == 0
                    && scep("scrap", "P3", "--reason", "fell").status == 1)
            #expect(try scep("retire", "P2", "--reason", "x").status == 1, "it is not verified")
            // In a folder of its own, since a copy is a ledger.
            let copy = folder.appending(path: "copy.db").path
            #expect(try scep("backup", copy).status == 0)
            #expect(try scep("status", "--ledger", copy).output == "batch: 4 planned; delivered 3, scrapped 1\n")
        }
    }

    /// Each checkpoint counts for itself, and a key that is made now proves nothing.
    @Test func aCheckpointIsHeldAgainstATrailThatTheStationSignedAnew() async throws {
        try await withStation { folder, _, scep in
            let profile = folder.appending(path: "part.conf").path
            let ledger = folder.appending(path: "station/ledger.db").path
            let none = try scep("audit", "verify")
            #expect(none.status == 3 && none.complaint.contains("there is none at"))
            #expect(try scep("run", writeManifest(["A"], folder), "--profile", profile).status == 0)
            #expect(try scep("scrap", "A", "--reason", "x").status == 0)
            let kept = try scep("audit", "sign").output.trimmingCharacters(in: .newlines)
            try LedgerPlace.sqlite.tamper(
                ledger,
                """
                DROP TRIGGER audit_no_delete; DROP TRIGGER checkpoints_no_delete; DELETE FROM checkpoints;
                DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit);
                UPDATE attempts SET state = 'delivered', claimed_until = 0
                """)
            #expect(try scep("scrap", "A", "--reason", "y").status == 0)
            #expect(try scep("audit", "sign").status == 0)
            #expect(try scep("audit", "verify").status == 0, "nobody who has that alone sees it")
            let found = try scep("audit", "verify", "--checkpoint", kept)
            #expect(found.status == 1 && found.complaint.contains("made anew"))

            try FileManager.default.removeItem(atPath: folder.appending(path: "station/station.key").path)
            #expect(try scep("audit", "verify", "--checkpoint", kept).status == 1)
            #expect(try scep("audit", "verify").complaint.contains("1 checkpoints in the ledger are of other keys"))
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "station/station.key").path))
        }
    }

    @Test func nothingIsBegunOnABadManifest() async throws {
        try await withStation { folder, server, scep in
            let profile = folder.appending(path: "part.conf").path
            let file = folder.appending(path: "bad.csv")
            try writeFile("serial,challenge\nA,line\nA,line\nB\n", to: file)
            for command in ["check", "run"] {
                let result = try scep(command, file.path, "--profile", profile)
                #expect(result.status == 2)
                #expect(result.complaint.contains("bad.csv: line 3, column serial: 'A' is on line 2 already"))
                #expect(result.complaint.contains("bad.csv: line 4: 1 values for 2 columns"))
            }
            #expect(server.authority.issuedCertificates().isEmpty)
            // There are passwords in it, for everybody to read.
            let open = try writeManifest(["C"], folder, mode: 0o644)
            let result = try scep("run", open, "--profile", profile)
            #expect(result.status == 2 && result.complaint.contains("chmod 600"))
            #expect(!result.complaint.contains("line\n"))
        }
    }

    @Test func oneProgramAtATimeWorksAsAStation() async throws {
        try await withStation { folder, server, scep in
            server.authority.setFaults([FaultRule(.stall(3_000), operations: [.getCACaps])])
            let manifest = try writeManifest(["A"], folder)
            let profile = folder.appending(path: "part.conf").path
            let first = try StationProgram(
                arguments: ["run", manifest, "--profile", profile, "--state", folder.appending(path: "station").path]
            ).start(log: folder.appending(path: "log"))
            while !FileManager.default.fileExists(atPath: folder.appending(path: "station/ledger.db").path) {
                try await Task.sleep(for: .milliseconds(20))
            }
            let second = try scep("run", manifest, "--profile", profile)
            #expect(second.status == 3 && second.complaint.contains("another scep-station works with"))
            // Others look on meanwhile.
            #expect(try scep("status").status == 0)
            kill(first.processIdentifier, SIGKILL)
            first.waitUntilExit()
        }
    }

    /// A wrong fingerprint is mended in the profile, and the devices are made.
    @Test func aProfileThatWasMendedCounts() async throws {
        try await withStation { folder, server, scep in
            let right = folder.appending(path: "part.conf")
            let text = try String(contentsOf: right, encoding: .utf8)
            let wrong = folder.appending(path: "wrong.conf")
            let digits = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
            try writeFile(text.replacing(digits, with: String(repeating: "ab", count: 32)), to: wrong)
            let manifest = try writeManifest(["A", "B"], folder)
            #expect(try scep("run", manifest, "--profile", wrong.path).status == 1)
            #expect(try scep("run", manifest, "--profile", right.path).status == 0)
            // What was made is not asked for again because the profile says something else since.
            try writeFile(text + "\nretries = 3\n", to: right)
            #expect(try scep("run", manifest, "--profile", right.path).status == 0)
            #expect(server.authority.issuedCertificates().count == 2)
            #expect(try scep("audit", "verify").status == 0)
        }
    }

    @Test func aDeviceStaysInItsBatch() async throws {
        try await withStation { folder, _, scep in
            let profile = folder.appending(path: "part.conf").path
            let manifest = try writeManifest(["A"], folder)
            #expect(try scep("run", manifest, "--profile", profile).status == 0)
            let other = folder.appending(path: "other.csv")
            try writeFile("serial,challenge,subject\nA,line,CN=else\n", to: other)
            let result = try scep("run", other.path, "--profile", profile)
            #expect(
                result.status == 3
                    && result.complaint.contains("A is planned already, in batch batch: name that one, with --batch"))
        }
    }

    @Test func aTerminalThatIsGoneChangesNothing() async throws {
        try await withStation { folder, server, _ in
            let gone = Pipe()
            let process = Process()
            process.executableURL = URL(fileURLWithPath: StationProgram.path)
            process.arguments = [
                "run", try writeManifest(["A", "B"], folder), "--profile", folder.appending(path: "part.conf").path,
                "--state", folder.appending(path: "station").path,
            ]
            (process.standardInput, process.standardError) = (FileHandle.nullDevice, gone)
            try gone.fileHandleForReading.close()
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 0)
            #expect(server.authority.issuedCertificates().count == 2)
        }
    }

    @Test func aLedgerThatIsNoneIsLeftAlone() async throws {
        try await withStation { folder, _, scep in
            let file = folder.appending(path: "text.db")
            try writeFile(
                "a text that is long enough to be looked at, and no database at all, as SQLite will find", to: file)
            let result = try scep("status", "--ledger", file.path)
            #expect(result.status == 3 && result.complaint.contains("is a database, but no station's ledger"))
            let secret = try scep("status", "--ledger", "postgresql://ada:s3cret@127.0.0.1:1/line")
            #expect(secret.status == 3 && !secret.complaint.contains("s3cret"))
        }
    }

    /// A ledger that was put back to what it was yesterday has devices as planned that were made since.
    @Test func anOlderCopyOfTheLedgerIsNotGoneOnWith() async throws {
        try await withStation { folder, server, scep in
            let profile = folder.appending(path: "part.conf").path
            #expect(try scep("run", try writeManifest(["A"], folder), "--profile", profile).status == 0)
            let copy = folder.appending(path: "copy.db").path
            #expect(try scep("backup", copy).status == 0)
            let both = try writeManifest(["A", "B"], folder)
            #expect(try scep("run", both, "--profile", profile).status == 0)
            let ledger = folder.appending(path: "station/ledger.db")
            for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: ledger.path + end) }
            try FileManager.default.copyItem(atPath: copy, toPath: ledger.path)
            let result = try scep("run", both, "--profile", profile)
            #expect(result.status == 3 && result.complaint.contains("it is an older copy, or another ledger"))
            #expect(server.authority.issuedCertificates().count == 2)
            #expect(try scep("run", both, "--profile", profile, "--accept-ledger").status == 0)
        }
    }

    @Test func aManifestThatIsNotThereIsSaid() async throws {
        try await withStation { folder, _, scep in
            for command in ["check", "run"] {
                let result = try scep(command, folder.appending(path: "none.csv").path)
                #expect(result.status == 2 && result.complaint.contains("none.csv cannot be read"))
            }
        }
    }

    @Test func theSimulatedLineComesToItsEnd() async throws {
        let program = URL(fileURLWithPath: StationProgram.path).deletingLastPathComponent().appending(
            path: "simulated-line")
        let result = try runProgram(program.path, ["--devices", "9", "--ports", "3", "--host-made", "4"])
        let said = String(decoding: result.output, as: UTF8.self)
        #expect(said.contains("batch: 13 planned; delivered 4, verified 9") && said.contains("whole"))
    }

    @Test func anotherFormOfWhatWasHandedOverIsNotMadeAndThatIsSaid() async throws {
        try await withStation { folder, server, scep in
            let manifest = try writeManifest(["A", "B"], folder)
            let profile = folder.appending(path: "part.conf").path
            #expect(try scep("run", manifest, "--profile", profile, "--form", "pem").status == 0)
            let same = try scep("run", manifest, "--profile", profile, "--form", "pem")
            #expect(same.status == 0 && !same.complaint.contains("handed over before"))
            let other = try scep("run", manifest, "--profile", profile, "--form", "image")
            #expect(other.status == 0)
            #expect(
                other.complaint.contains("handed over before, and without identity.bin in ")
                    && other.complaint.contains(": A, B (2); nothing was made") && other.complaint.contains("rework"),
                "\(other.complaint)")
            #expect(try scep("rework", "A", "--reason", "an image is wanted").status == 0)
            let anew = try scep("run", manifest, "--profile", profile, "--form", "image")
            #expect(anew.complaint.contains(": B (1); nothing was made"), "\(anew.complaint)")
            #expect(
                FileManager.default.fileExists(
                    atPath: folder.appending(path: "station/out/A/identity.bin").path))
        }
    }

    /// Before anything is begun, and not for each device.
    @Test(arguments: ["--challenge-command", "--verify-command", "--on-issued", "--on-verified", "--on-failed"])
    func whatNothingIsPutInForIsRefusedAtTheStart(option: String) async throws {
        try await withStation { folder, _, scep in
            let manifest = try writeManifest(["A"], folder)
            let profile = folder.appending(path: "part.conf").path
            let result = try scep("run", manifest, "--profile", profile, option, "/bin/true {seriel}")
            #expect(result.status == 64, "\(result.complaint)")
            #expect(result.complaint.contains("\(option): nothing is known as {seriel}: there are {serial}, "))
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "station").path))
        }
    }

    @Test func aProxyIsNoURL() throws {
        let result = try StationProgram(arguments: ["serve", "--behind-proxy", "https://line.example"]).run()
        #expect(
            result.status == 64 && result.complaint.contains("it is a name alone, as line.example"),
            "\(result.complaint)")
    }

    /// What is said is said in the names that a manifest and a profile have, and no other program's.
    @Test func whatAnOperatorIsToldToSetIsHis() async throws {
        try await withStation { folder, server, scep in
            server.authority.setFaults([FaultRule(.failure(Refusal(.badRequest, "wrong password")), times: 1)])
            let result = try scep(
                "run", try writeManifest(["A"], folder), "--profile", folder.appending(path: "part.conf").path)
            #expect(
                result.status == 1 && result.complaint.contains("check challenge and subject"), "\(result.complaint)")
            #expect(!result.complaint.contains("challenge-file"))
        }
    }
}
