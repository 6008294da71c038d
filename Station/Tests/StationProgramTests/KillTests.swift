import Authority
import AuthorityServer
import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

/// `DEVICES=1000 KILLS=50` for as long as that takes.
@Suite("Stations that are killed at any moment make no device twice")
struct KillTests {
    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    @Test func everyDeviceHasOneCertificate() async throws {
        let count = Self.number("DEVICES", 40)
        let kills = Self.number("KILLS", 6)
        let seed = UInt64(Self.number("SEED", Int(Date().timeIntervalSince1970)))
        var random = SeededGenerator(seed: seed)
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        let server = try await AuthorityServer(try Authority(configuration))
        let address = try PostgreSQLServer.shared.get().makeDatabase()
        try await withTemporaryDirectory { folder in
            let profile = """
                url = \(server.url)
                fingerprint = \(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
                subject = CN={serial}
                key = p256
                key-origin = station
                challenge = line
                challenge-use = always
                """
            let conf = try folder.write([UInt8](profile.utf8), to: "line.conf")
            let rows = "serial\n" + (1...count).map { "K\($0)\n" }.joined()
            let manifest = try folder.write([UInt8](rows.utf8), to: "batch.csv")
            for file in [conf, manifest] {
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            }
            let stations = (1...2).map { number in
                StationProgram(arguments: [
                    "run", manifest, "--profile", conf, "--state", folder.appending(path: "station-\(number)").path,
                    "--ledger", address, "--station", "line-\(number)", "--operator", "test", "--ahead", "5",
                ])
            }
            let log = folder.appending(path: "log")
            func said() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
            var running: [Process?] = [nil, nil]
            for _ in 0..<kills {
                for number in 0..<2 where running[number]?.isRunning != true {
                    running[number] = try stations[number].start(log: log)
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 1...1200, using: &random)))
                let victims = Int.random(in: 1...3, using: &random)
                for number in 0..<2 where victims & (number + 1) != 0 {
                    if let process = running[number] { kill(process.processIdentifier, SIGKILL) }
                }
            }
            // Each goes on until it has nothing to do; what one held, the other leaves.
            for round in 0..<4 {
                for number in 0..<2 {
                    running[number]?.waitUntilExit()
                    running[number] = try stations[number].start(log: log)
                }
                let status = running.map { process in
                    process?.waitUntilExit()
                    return process?.terminationStatus ?? -1
                }
                if status.contains(0) { break }
                #expect(round < 3, "seed \(seed): they do not come to their end: \(said())")
            }
            let ledger = try Ledger.open(address)
            let head = try ledger.verifyAudit()
            #expect(head.sequence > 0)
            var issued: [String: Int] = [:]
            for certificate in server.authority.issuedCertificates() { issued[certificate.subject, default: 0] += 1 }
            for number in 1...count {
                let live = try ledger.certificates(of: "K\(number)").filter { $0.status == "live" }
                #expect(
                    live.count == 1 && issued["CN=K\(number)"] == 1,
                    "seed \(seed), K\(number): \(live.count) live, \(issued["CN=K\(number)"] ?? 0) issued")
            }
            print(
                "kills: \(count) devices, two stations, \(kills) kills, seed \(seed): \(issued.count) with one certificate each"
            )
        }
        await server.stop()
    }
}
