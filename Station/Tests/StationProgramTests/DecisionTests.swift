import Authority
import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

@Suite("What a person decides of a device")
struct DecisionTests {
    @Test func aDeviceThatIsScrappedOrRetiredFailsNoLaterRun() async throws {
        try await withStation { folder, server, scep in
            let profile = folder.appending(path: "part.conf").path
            let manifest = try writeManifest(["A", "B", "C"], folder)
            #expect(try scep("run", manifest, "--profile", profile).status == 0)
            #expect(try scep("scrap", "A", "--reason", "fell").status == 0)
            let ledger = try Ledger.open(folder.appending(path: "station/ledger.db").path)
            let made = try #require(try ledger.lastAttempt(of: "B"))
            let actor = Actor(station: made.station, person: made.person)
            try ledger.record(
                .verified(fingerprint: #require(made.fingerprint), by: "test"), of: made, by: actor)
            #expect(try scep("retire", "B", "--reason", "sold").status == 0)
            let again = try scep("run", manifest, "--profile", profile)
            #expect(again.status == 0 && again.complaint.contains("2 scrapped or retired"), "\(again.complaint)")
            #expect(!again.complaint.contains("left A"))
            #expect(server.authority.issuedCertificates().count == 3)
        }
    }

    /// Not at the next run: whoever decides may be the last who works at the line.
    @Test(arguments: ["scrap", "rework"])
    func theKeysOfADeviceAreWipedAtOnce(command: String) async throws {
        try await withStation { folder, _, scep in
            let manifest = try writeManifest(["A", "B"], folder)
            let out = folder.appending(path: "elsewhere")
            #expect(
                try scep("run", manifest, "--profile", folder.appending(path: "part.conf").path, "--output", out.path)
                    .status == 0)
            let place = out.appending(path: "A").path
            #expect(FileManager.default.fileExists(atPath: place + "/identity.bin"))
            let result = try scep(command, "A", "--reason", "wrong label", "--output", out.path)
            #expect(result.status == 0 && result.complaint.isEmpty, "\(result.complaint)")
            #expect(!FileManager.default.fileExists(atPath: place))
            let blind = try scep(command, "B", "--reason", "wrong label")
            #expect(blind.status == 0 && blind.complaint.contains("is wiped with --output"))
        }
    }

    @Test func aDeviceToBeReworkedIsShownAsThat() async throws {
        try await withStation { folder, _, scep in
            let manifest = try writeManifest(["A", "B"], folder)
            let profile = folder.appending(path: "part.conf").path
            #expect(try scep("run", manifest, "--profile", profile).status == 0)
            #expect(try scep("rework", "A", "--reason", "wrong label").status == 0)
            #expect(try scep("status").output == "batch: 2 planned; delivered 1, rework 1\n")
            let table = try scep("report", "batch", "--format", "csv").output
            #expect(table.contains("\nA,rework,2,") && table.contains("\nB,delivered,1,"), "\(table)")
        }
    }

    @Test(arguments: ["--station", "--operator", "--reason"], ["", "  ", "\t"])
    func nobodyAndNothingIsNoRecord(option: String, value: String) async throws {
        try await withStation { folder, _, scep in
            let manifest = try writeManifest(["A"], folder)
            #expect(try scep("run", manifest, "--profile", folder.appending(path: "part.conf").path).status == 0)
            var options = ["--reason": "fell", "--station": "s", "--operator": "o"]
            options[option] = value
            let arguments = options.flatMap { [$0.key, $0.value] }
            let result = try StationProgram(
                arguments: ["scrap", "A", "--state", folder.appending(path: "station").path] + arguments
            ).run()
            #expect(result.status == 64 && result.complaint.contains("\(option) is empty"), "\(result.complaint)")
            #expect(try scep("status").output == "batch: 1 planned; delivered 1\n")
        }
    }

    @Test func aQuotaIsRaisedAndTheRestIsMade() async throws {
        try await withStation { folder, server, scep in
            let profile = folder.appending(path: "part.conf").path
            let manifest = try writeManifest(["A", "B"], folder)
            let first = try scep("run", manifest, "--profile", profile, "--quota", "1", "--jobs", "1")
            #expect(
                first.status == 1 && first.complaint.contains("batch batch has its quota of 1"), "\(first.complaint)")
            let other = try scep("run", manifest, "--profile", profile, "--quota", "2")
            #expect(other.status == 3 && other.complaint.contains("scep-station quota does"), "\(other.complaint)")
            #expect(try scep("quota", "batch", "2").status == 64, "nobody says why")
            let raised = try scep("quota", "batch", "2", "--reason", "one more was ordered")
            #expect(raised.status == 0 && raised.output == "batch: the quota is 2, and was 1\n")
            #expect(try scep("run", manifest, "--profile", profile).status == 0)
            #expect(server.authority.issuedCertificates().count == 2)
            let less = try scep("quota", "batch", "1", "--reason", "fewer")
            #expect(less.status == 1)
            #expect(less.complaint.contains("2 devices of batch batch have, or may get, a certificate"))
            #expect(try scep("status", "batch").output.contains("one more was ordered"))
            #expect(try scep("audit", "verify").status == 0)
        }
    }
}
