import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

@Suite("A ledger that can only be read")
struct ReadOnlyTests {
    private static let commands = [
        ["status"], ["status", "A"], ["report", "B1", "--format", "csv"], ["audit", "verify"], ["audit", "sign"],
    ]

    /// The file, or the folder that it is in, is somebody else's.
    @Test(arguments: [(0o444, 0o755), (0o666, 0o555), (0o444, 0o777)], [false, true])
    func isShownAndReportedAndVerified(modes: (file: Int, folder: Int), isInUse: Bool) throws {
        try withTemporaryDirectory { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            let place = folder.appending(path: "shelf")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
            let file = place.appending(path: "ledger.db").path
            // While it is open, what was written last is in the journal beside it.
            var ledger: Ledger? = try Ledger.open(file)
            try ledger?.plan(["A", "C"])
            try ledger?.provision("A", fingerprint: "f1")
            if !isInUse { ledger = nil }
            for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
                try FileManager.default.setAttributes(
                    [.posixPermissions: modes.file], ofItemAtPath: place.appending(path: name).path)
            }
            try FileManager.default.setAttributes([.posixPermissions: modes.folder], ofItemAtPath: place.path)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path) }
            let home = folder.appending(path: "home")
            try FileManager.default.createDirectory(
                at: home, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try giveToUnprivileged(home)
            func scep(_ arguments: [String]) throws -> Ending {
                let given =
                    arguments + ["--ledger", file, "--state", home.path, "--station", "desk", "--operator", "Eve"]
                return try runUnprivileged(StationProgram.path, given)
            }
            for command in Self.commands {
                let result = try scep(command)
                #expect(result.status == 0, "\(command): \(result.complaint)")
            }
            #expect(try scep(["status"]).output == "B1: 2 planned; planned 1, verified 1\n")
            let written = try scep(["scrap", "C", "--reason", "fell"])
            #expect(written.status == 3 && written.complaint.contains("can only be read here"), "\(written.complaint)")
            #expect(!written.complaint.contains("C: it is scrapped"))
            #expect(try page(file, home).contains("<b>1</b> of 2 verified"))
            // What is written meanwhile is seen.
            guard let ledger else { return }
            try ledger.provision("C", fingerprint: "f2")
            #expect(try scep(["status"]).output == "B1: 2 planned; verified 2\n")
        }
    }

    @Test func soIsOneOfARoleThatMayOnlyRead() throws {
        let server = try PostgreSQLServer.shared.get()
        let address = try server.makeDatabase()
        let ledger = try Ledger.open(address)
        try ledger.plan(["A", "C"])
        try ledger.provision("A", fingerprint: "f1")
        let database = String(try #require(address.split(separator: "=").last))
        let role = "reader_\(database)"
        for statement in [
            "CREATE ROLE \(role) LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role)",
        ] { try server.run(statement, in: database) }
        let reading = address.replacing("user=postgres", with: "user=\(role)")
        try withTemporaryDirectory { folder in
            let state = folder.appending(path: "state").path
            func scep(_ arguments: [String]) throws -> Ending {
                try StationProgram(arguments: arguments + ["--ledger", reading, "--state", state]).run()
            }
            for command in Self.commands {
                let result = try scep(command)
                #expect(result.status == 0, "\(command): \(result.complaint)")
            }
            let written = try scep(["scrap", "C", "--reason", "fell"])
            #expect(written.status == 3 && written.complaint.contains("can only be read here"), "\(written.complaint)")
        }
        _ = try ledger.verifyAudit()
    }

    /// The dashboard's first page, as that user serves it.
    private func page(_ file: String, _ home: URL) throws -> String {
        let program = """
            import re, subprocess, sys, urllib.request
            station = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True)
            address = re.search(r"http://\\S+", station.stderr.readline()).group()
            print(urllib.request.urlopen(address, timeout=120).read().decode())
            station.terminate()
            station.wait()
            """
        let result = try runUnprivileged(
            "/usr/bin/python3",
            [
                "-X", "utf8", "-c", program, StationProgram.path, "serve", "--listen", "0", "--ledger", file, "--state",
                home.path,
                "--station", "desk", "--operator", "Eve",
            ])
        #expect(result.status == 0, "\(result.complaint)")
        return result.output
    }
}
