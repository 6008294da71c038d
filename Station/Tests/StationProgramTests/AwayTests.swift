import Authority
import AuthorityServer
import Foundation
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

@Suite("A station that starts while the shared ledger is away")
struct AwayTests {
    /// The server's socket is away as long as its folder has another name.
    @Test func itWorksOnWithWhatItTook() async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        let server = try await AuthorityServer(try Authority(configuration))
        let database = try PostgreSQLServer.shared.get()
        let address = try database.makeDatabase()
        try await withTemporaryDirectory { folder in
            // A name of its own for the server's socket, which can be taken away.
            let way = folder.appending(path: "pg")
            try FileManager.default.createSymbolicLink(atPath: way.path, withDestinationPath: database.folder)
            let here = address.replacing(database.folder, with: way.path)
            let profile = folder.appending(path: "part.conf")
            let text = """
                url = \(server.url)
                fingerprint = \(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
                subject = CN={serial}
                key = p256
                key-origin = station
                challenge = line
                challenge-use = always
                """
            let manifest = folder.appending(path: "batch.csv")
            try Data(text.utf8).write(to: profile)
            try Data("serial\nA1\nA2\nA3\nA4\nA5\n".utf8).write(to: manifest)
            for file in [profile, manifest] {
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            }
            let run = StationProgram(arguments: [
                "run", manifest.path, "--profile", profile.path, "--state", folder.appending(path: "station").path,
                "--ledger", here,
                "--ahead", "3", "--jobs", "1",
            ])
            // Killed at its first device, with three more taken.
            server.authority.setFaults([FaultRule(.stall(600), operations: [.getCACaps], times: 1)])
            let first = try run.start(log: folder.appending(path: "log"))
            let ledger = try Ledger.open(address)
            while try ledger.batches().first?.states["claimed"] ?? 0 < 4 {
                try await Task.sleep(for: .milliseconds(20))
            }
            kill(first.processIdentifier, SIGKILL)
            first.waitUntilExit()
            try FileManager.default.removeItem(at: way)

            func said() -> String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }
            let second = try run.start(log: folder.appending(path: "log"))
            while server.authority.issuedCertificates().count < 4 {
                try #require(second.isRunning, "\(said())")
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try ledger.batches().first?.states == ["claimed": 4, "planned": 1])
            try FileManager.default.createSymbolicLink(atPath: way.path, withDestinationPath: database.folder)
            second.waitUntilExit()
            #expect(second.terminationStatus == 0, "\(said())")
            #expect(try ledger.batches().first?.states == ["delivered": 5])
            #expect(server.authority.issuedCertificates().count == 5)
            _ = try ledger.verifyAudit()
        }
        await server.stop()
    }
}
