import Authority
import AuthorityServer
import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

@Suite("A disk that is full, in the middle")
struct FullDiskTests {
    /// Runs the station's program with so many bytes for each file that it writes.
    private func scep(_ arguments: [String], limit: Int, _ folder: URL) throws -> Ending {
        try runPlainly(
            "/usr/bin/prlimit",
            ["--fsize=\(limit)", StationProgram.path] + arguments + ["--state", folder.appending(path: "station").path])
    }

    /// The journal of the ledger grows until it may not: somewhere on a device's way.
    @Test(arguments: [150_000, 300_000, 600_000])
    func aLedgerThatTakesNoMoreStopsTheLineAndLosesNothing(limit: Int) async throws {
        try await withStation { folder, server, scep in
            let manifest = try writeManifest((1...40).map { "F\($0)" }, folder)
            let arguments = ["run", manifest, "--profile", folder.appending(path: "part.conf").path]
            let full = try self.scep(arguments, limit: limit, folder)
            #expect(full.status == 3 && full.complaint.contains("its disk is full"), "\(full.complaint)")
            #expect(full.complaint.contains("nothing was lost"))
            #expect(server.authority.issuedCertificates().count < 40)
            // There is room again.
            let again = try scep("run", manifest, "--profile", folder.appending(path: "part.conf").path)
            #expect(again.status == 0, "\(again.complaint)")
            #expect(try scep("status").output == "batch: 40 planned; delivered 40\n")
            #expect(server.authority.issuedCertificates().count == 40)
            #expect(try scep("audit", "verify").status == 0)
        }
    }

    @Test func aReportThatDoesNotFitLeavesTheOneBefore() async throws {
        try await withStation { folder, _, scep in
            let ledger = folder.appending(path: "station/ledger.db").path
            try FileManager.default.createDirectory(
                at: folder.appending(path: "station"), withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            try Ledger.open(ledger).plan((1...3_000).map { "F\($0)" })
            let file = folder.appending(path: "report.csv")
            #expect(try scep("report", "B1", "--format", "csv", "--output", file.path).status == 0)
            let before = try Data(contentsOf: file)
            for format in ["csv", "ndjson"] {
                let full = try self.scep(
                    ["report", "B1", "--format", format, "--output", file.path], limit: 40_000, folder)
                #expect(full.status == 3 && full.complaint.contains("report.csv cannot be written, and is as it was"))
                #expect(try Data(contentsOf: file) == before)
                #expect(!FileManager.default.fileExists(atPath: file.path + ".new"))
            }
            let copy = folder.appending(path: "copy.db").path
            let full = try self.scep(["backup", copy], limit: 100_000, folder)
            #expect(full.status == 3 && full.complaint.contains("its disk is full: \(copy)"), "\(full.complaint)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.allSatisfy { !$0.hasPrefix("copy.db") })
            #expect(try scep("backup", copy).status == 0)
            #expect(try scep("status", "--ledger", copy).output == "B1: 3000 planned; planned 3000\n")
        }
    }

    /// A disk of its own for keys, or for what is handed over, in a namespace of this user's: where the system lets nobody make one,
    /// there is nothing to be seen here.
    @Test(.enabled(if: canMount), arguments: ["work", "out"])
    func aFolderThatTakesNoMoreStopsTheLineAndLosesNothing(name: String) async throws {
        try await withStation { folder, server, _ in
            let manifest = try writeManifest((1...8).map { "F\($0)" }, folder)
            let state = folder.appending(path: "station").path
            let result = try runPlainly(
                "/usr/bin/unshare",
                [
                    "-rm", "/bin/sh", "-c",
                    """
                    mkdir -m 700 -p "$2" "$2/$4"; mount -t tmpfs -o size=1m,mode=700 tmpfs "$2/$4" || exit 99
                    dd if=/dev/zero of="$2/$4/filler" bs=1k count=$5 2>/dev/null
                    "$1" run "$3" --profile "$6" --state "$2" --jobs 1; echo "first $?"
                    rm "$2/$4/filler"
                    "$1" run "$3" --profile "$6" --state "$2" --jobs 1; echo "then $?"
                    "$1" status --state "$2"; "$1" audit verify --state "$2" >/dev/null; echo "whole $?"
                    """, "sh", StationProgram.path, state, manifest, name, name == "work" ? "1020" : "900",
                    folder.appending(path: "part.conf").path,
                ])
            #expect(
                result.output == "first 3\nthen 0\nbatch: 8 planned; delivered 8\nwhole 0\n",
                "\(result.output) \(result.complaint)")
            #expect(result.complaint.contains("the disk is full; nothing was lost: make space"))
            #expect(server.authority.issuedCertificates().count == 8)
        }
    }

    private static let canMount =
        (try? runPlainly("/usr/bin/unshare", ["-rm", "/bin/mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status) == 0
}
