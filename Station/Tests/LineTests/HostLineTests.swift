import Authority
import Emulator
import Foundation
import Ledger
import Provisioning
import StationSupport
import TestSupport
import Testing

import struct Ledger.Ledger

@testable import Line

@Suite("Devices whose keys the station makes")
struct HostLineTests {
    private static func manifest(_ count: Int) -> String {
        "serial,challenge\n" + (1...count).map { "D\($0),line\n" }.joined()
    }

    @Test func twentyAreMadeAndTheirImagesHoldWhatTheCAIssued() async throws {
        try await Bench.with { bench in
            try await bench.run(Self.manifest(20))
            #expect(bench.results.count == 20 && bench.results.values.allSatisfy { $0 == .delivered })
            let issued = bench.server.authority.issuedCertificates()
            #expect(issued.count == 20)
            for number in 1...20 {
                let serial = "D\(number)"
                let image = FlashImage(bytes: try bench.file(serial, "identity.bin"))
                let certificate = try #require(image.certificates.first)
                let recorded = try bench.ledger.certificates(of: serial)
                #expect(
                    recorded.map(\.der) == [certificate.base64EncodedString()]
                        && recorded[0].subject == "CN=\(serial),O=Example")
                // OpenSSL has the key of the image sign for the public key in the certificate.
                try withTemporaryDirectory { folder in
                    let key = try #require(image.privateKeys.first)
                    let file = try folder.write([UInt8](key.der), to: "key.der")
                    let inKey = try OpenSSL.run(["pkey", "-inform", "DER", "-in", file, "-pubout"])
                    let inCertificate = try OpenSSL.run(
                        ["x509", "-inform", "DER", "-pubkey", "-noout"], input: [UInt8](certificate))
                    #expect(inKey == inCertificate)
                }
                #expect(!FileManager.default.fileExists(atPath: bench.station.work.folder(of: serial).path))
            }
        }
    }

    @Test func aSecondRunMakesNothingTwice() async throws {
        try await Bench.with { bench in
            try await bench.run(Self.manifest(5))
            try await bench.run(Self.manifest(6))
            #expect(bench.server.authority.issuedCertificates().count == 6)
            #expect(try bench.ledger.verifyAudit().sequence > 0)
        }
    }

    @Test func whatIsMadeIsVerifiedByTheDevicesOwnWord() async throws {
        try await Bench.with { bench in
            // The device is a program that reads its certificate out of the image, and writes its event line.
            let device = bench.folder.appending(path: "device")
            try Data(
                """
                #!/usr/bin/python3
                import base64, hashlib, re, sys
                image = open(sys.argv[2] + "/identity.bin", "rb").read()
                start = re.search(rb"\\x30\\x82..\\x30\\x82..\\xa0\\x03\\x02\\x01\\x02", image, re.S).start()
                der = image[start:start + 4 + int.from_bytes(image[start + 2:start + 4], "big")]
                print("booting", sys.argv[1])
                print('event operation=- outcome=current serial=00 fingerprint=%s subject="CN=x"' % hashlib.sha256(der).hexdigest())
                """.utf8
            ).write(to: device)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: device.path)
            bench.station.verification = try CommandTemplate(
                "\(device.path) {serial} {folder}", known: Station.verificationNames)
            try await bench.run(Self.manifest(3))
            #expect(bench.results.values.allSatisfy { $0 == .verified } && bench.results.count == 3)
            // Nothing of the keys is left.
            #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.appending(path: "out").path) == [])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: bench.folder.appending(path: "work").path) == [])
        }
    }

    @Test func aDeviceThatNamesAnotherCertificateFails() async throws {
        try await Bench.with { bench in
            let other = String(repeating: "ab", count: 32)
            bench.station.verification = try CommandTemplate(
                "/bin/echo event operation=- outcome=current fingerprint=\(other)", known: [])
            try await bench.run(Self.manifest(1))
            guard case .failed(let cause) = bench.results["D1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "not-recorded" && cause.sentence.contains(other))
        }
    }

    /// Cut after the CA has answered, and before that is recorded: what is there is found, and nothing asked for again.
    @Test func whatWasIssuedIsRecordedAfterACut() async throws {
        try await Bench.with { bench in
            let away = AwayDatabase(bench.ledger.database)
            let ledger = try Ledger(away)
            // The ledger goes away when the CA has issued.
            bench.station = bench.station(with: ledger)
            let events = bench.events
            let authority = bench.server.authority
            bench.station.report = { event in
                events.add(event)
                if case .step(_, .requested) = event { away.mode = .away }
                if case .note = event, authority.issuedCertificates().count == 1 { away.mode = .here }
            }
            try await bench.run(Self.manifest(1), jobs: 1)
            #expect(bench.results == ["D1": .delivered])
            #expect(bench.server.authority.issuedCertificates().count == 1)
        }
    }

    @Test func aReworkBeginsAnew() async throws {
        try await Bench.with { bench in
            // The CA issues, and its answers are lost until the device has failed.
            bench.station.tries = 1
            bench.server.authority.setFaults([FaultRule(.truncated(60), times: 1)])
            try await bench.run(Self.manifest(1))
            guard case .failed = bench.results["D1"] else {
                Issue.record("\(bench.results)")
                return
            }
            try bench.ledger.rework("D1", reason: "the answer was lost", by: .first)
            try await bench.run(Self.manifest(1))
            #expect(bench.results["D1"] == .delivered)
            let attempt = try #require(try bench.ledger.lastAttempt(of: "D1"))
            #expect(attempt.number == 2 && attempt.reason == "the answer was lost")
            #expect(try bench.ledger.certificates(of: "D1").count == 1)
        }
    }

    @Test func aWorkFolderThatIsLostIsNotMadeUpFor() async throws {
        try await Bench.with { bench in
            bench.station.tries = 2
            bench.server.authority.setFaults([FaultRule(.truncated(60), times: 1)])
            let work = bench.station.work
            let events = bench.events
            bench.station.report = { event in
                events.add(event)
                if case .step(let serial, .requested) = event {
                    try? FileManager.default.removeItem(at: work.folder(of: serial))
                }
            }
            try await bench.run(Self.manifest(1), jobs: 1)
            guard case .failed(let cause) = bench.results["D1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "work-lost" || cause.kind == "storage-failed", "\(cause)")
            #expect(bench.server.authority.issuedCertificates().count <= 1)
        }
    }

    @Test func aRefusalOfEveryTenthEndsThoseAlone() async throws {
        try await Bench.with { bench in
            bench.server.authority.setFaults([
                FaultRule(.failure(Refusal(.badRequest, "no")), times: 2)
            ])
            try await bench.run(Self.manifest(8), jobs: 1)
            let failed = bench.results.filter { if case .failed = $0.value { true } else { false } }
            #expect(failed.keys.sorted() == ["D1", "D2"] && bench.results.count == 8)
            // The CA issued nothing for them, so that the next run takes them up again.
            try await bench.run(Self.manifest(8), jobs: 1)
            #expect(bench.results.values.allSatisfy { $0 == .delivered || $0 == .done || $0 == .delivered })
            #expect(bench.server.authority.issuedCertificates().count == 8)
        }
    }

    @Test func repliesThatAreLostAreAskedForAgain() async throws {
        try await Bench.with { bench in
            bench.server.authority.setFaults([FaultRule(.truncated(60), times: 3)])
            try await bench.run(Self.manifest(4))
            #expect(
                bench.results.values.allSatisfy { $0 == .delivered } && bench.results.count == 4, "\(bench.results)")
            #expect(bench.server.authority.issuedCertificates().count == 4)
        }
    }

    @Test func noPasswordIsInTheLedger() async throws {
        try await Bench.with { bench in
            let password = "S3cr3t-of-the-line"
            let program = bench.folder.appending(path: "otp")
            try Data("#!/bin/sh\necho line\n".utf8).write(to: program)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program.path)
            try await bench.run("serial,challenge\nD1,\(password)\nD2,line\n")
            bench.station.challenge = ChallengeCommand(try CommandTemplate(program.path, known: []))
            try await bench.run("serial\nD3\n")
            #expect(bench.results["D3"] == .delivered && bench.results["D2"] == .delivered)
            for name in ["ledger.db", "ledger.db-wal"] {
                let file = bench.folder.appending(path: name)
                guard let content = try? Data(contentsOf: file) else { continue }
                #expect(content.range(of: Data(password.utf8)) == nil, "\(name)")
                #expect(content.range(of: Data("line\n".utf8)) == nil, "\(name)")
            }
            #expect(!"\(bench.events.all)".contains(password))
        }
    }

    /// What the station holds of an attempt that failed is not that of the next.
    @Test func aReworkBeginsWithAKeyOfItsOwn() async throws {
        try await Bench.with(forms: [.pkcs12]) { bench in
            // It cannot be handed over: there is no password for it.
            try await bench.run(Self.manifest(2))
            for serial in ["D1", "D2"] { #expect(try bench.ledger.lastAttempt(of: serial)?.cause == "not-delivered") }
            let work = bench.station.work
            bench.station = Station(
                ledger: bench.ledger, actor: .first, work: work,
                delivery: Delivery(to: bench.station.delivery.folder, forms: [.image]), gate: CAGate(places: 4))
            let events = bench.events
            bench.station.report = { events.add($0) }
            try bench.ledger.rework("D1", reason: "there is a password now", by: .first)
            try await bench.run(Self.manifest(2))
            #expect(bench.results["D1"] == .delivered)
            let certificates = try bench.ledger.certificates(of: "D1")
            #expect(certificates.map(\.status) == ["superseded", "live"])
            #expect(bench.server.authority.issuedCertificates().count == 3)
        }
    }

    /// A cut between the record and the wiping: the next run, or a person's word, does it.
    @Test func keysThatACutLeftAreWipedByTheNextRun() async throws {
        try await Bench.with { bench in
            try await bench.run(Self.manifest(3))
            let (work, out) = (bench.station.work, bench.station.delivery.folder)
            func leave(in folder: WorkFolder, _ serial: String) throws -> String {
                let place = folder.folder(of: serial)
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                try Data("key".utf8).write(to: place.appending(path: "left"))
                return place.path
            }
            let attempt = try #require(try bench.ledger.lastAttempt(of: "D2"))
            _ = try bench.ledger.record(
                .verified(fingerprint: #require(attempt.fingerprint), by: "test"), of: attempt, by: .first)
            try bench.ledger.scrap("D3", reason: "fell", by: .first)
            var places = try ["D1", "D2", "D3"].map { try leave(in: work, $0) }
            for serial in ["D2", "D3"] { places.append(try leave(in: out, serial)) }
            try await bench.run(Self.manifest(3))
            for place in places { #expect(!FileManager.default.fileExists(atPath: place), "\(place)") }
            #expect(FileManager.default.fileExists(atPath: out.folder(of: "D1").path), "it waits for the flasher")
        }
    }

    /// One device's folder is not to be had: that is neither the CA's failure nor the others'.
    @Test func aWorkFolderThatIsNotToBeHadFailsItsDeviceAlone() async throws {
        try await Bench.with { bench in
            let elsewhere = bench.folder.appending(path: "elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                at: bench.station.work.folder(of: "D1"), withDestinationURL: elsewhere)
            bench.station.tries = 1
            try await bench.run(Self.manifest(2))
            guard case .failed = bench.results["D1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(bench.results["D2"] == .delivered)
            #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.path) == [])
        }
    }

    @Test func whatAHookComplainsOfIsToldWithTheSerial() async throws {
        try await Bench.with { bench in
            let program = bench.folder.appending(path: "printer")
            try Data("#!/bin/sh\nprintf 'no paper for %s\\033[2J\\n' \"$1\" >&2\n".utf8).write(to: program)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program.path)
            bench.station.hooks = Hooks([
                .issued: try CommandTemplate("\(program.path) {label}-{x-lot}", known: Hooks.names)
            ])
            try await bench.run("serial,challenge,label,x-lot\nD1,line,L1,7\nD2,line,,\n")
            for (serial, label) in [("D1", "L1-7"), ("D2", "-")] {
                let note = "\(serial): the hook for issued says: no paper for \(label)\\u{1b}[2J"
                #expect(bench.events.all.contains(.note(note)), "\(bench.events.all)")
            }
        }
    }

    /// A CA that issues anew for each request, and an answer that was lost: there is one live certificate, the one that was made.
    @Test func aCAThatIssuesTwiceLeavesOneLiveCertificate() async throws {
        try await Bench.with({ $0.repeatsCertificates = false }) { bench in
            bench.server.authority.setFaults([FaultRule(.truncated(60), times: 1)])
            try await bench.run(Self.manifest(1))
            #expect(bench.results == ["D1": .delivered], "\(bench.results)")
            let recorded = try bench.ledger.certificates(of: "D1")
            #expect(bench.server.authority.issuedCertificates().count == 2 && recorded.map(\.status) == ["live"])
            let image = FlashImage(bytes: try bench.file("D1", "identity.bin"))
            #expect(image.certificates.first?.base64EncodedString() == recorded.first?.der)
        }
    }
}
