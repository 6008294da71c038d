import ArgumentParser
import Foundation
import Ledger
import Line
import Provisioning
import Signing

struct Verified: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record that a device has its certificate, by what it writes to its console (standard input).")

    @OptionGroup var options: StationOptions
    @Argument(help: "The device's serial.") var serial: String
    @Option(help: "Where what was made is, which is wiped now; `out` in the station's folder by default.")
    var output: String?

    func perform() throws {
        let text = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
        try verify(serial, console: text, in: options.openLedger(), by: options.actor)
        try options.wipe(serial, output: output, isExpected: true)
        print("\(printable(serial)): verified")
    }
}

/// What a person decides of a device, and why.
struct Decision: ParsableArguments {
    @Argument(help: "The device's serial.") var serial: String
    @Option(help: "Why: part of the record.") var reason: String
    @Option(help: "Where what was made for it is, which is wiped now; `out` in the station's folder by default.")
    var output: String?

    func validate() throws { try refuse(reason, "--reason", "say why, for the record") }

    /// Wipes what there is of the device's key, and says what came of the device, and which of its certificates the CA should
    /// revoke: the station cannot.
    func follow(_ what: String, _ options: StationOptions, in ledger: Ledger) throws {
        print(printable("\(serial): \(what)"))
        if let last = try ledger.certificates(of: serial).last, last.status != "live" {
            print("its certificate with serial number \(last.serialNumber) is \(last.status): have the CA revoke it")
        }
        // What was verified was wiped then, and of what a device makes itself there is nothing.
        let made = try ledger.attempts(of: serial).last { $0.keyStation != nil }
        try options.wipe(
            serial, output: output, isExpected: made.map { $0.state != .verified && $0.state != .retired } ?? false)
    }
}

struct Rework: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a device done again: a new attempt, its certificate superseded.")

    @OptionGroup var options: StationOptions
    @OptionGroup var what: Decision

    func perform() throws {
        let ledger = try options.openLedger()
        try ledger.rework(what.serial, reason: what.reason, by: options.actor)
        try what.follow("a new attempt is open, which `run` goes on with", options, in: ledger)
    }
}

struct Scrap: StationCommand {
    static let configuration = CommandConfiguration(abstract: "Record that a device is thrown away.")

    @OptionGroup var options: StationOptions
    @OptionGroup var what: Decision

    func perform() throws {
        let ledger = try options.openLedger()
        try ledger.scrap(what.serial, reason: what.reason, by: options.actor)
        try what.follow("it is scrapped", options, in: ledger)
    }
}

struct Retire: StationCommand {
    static let configuration = CommandConfiguration(abstract: "Record that a verified device is in use no more.")

    @OptionGroup var options: StationOptions
    @OptionGroup var what: Decision

    func perform() throws {
        let ledger = try options.openLedger()
        try ledger.retire(what.serial, reason: what.reason, by: options.actor)
        try what.follow("it is retired", options, in: ledger)
    }
}

struct Quota: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change how many devices of a batch may get a certificate.",
        discussion: "It may be raised, or lowered down to the devices that have, or may get, one.")

    @OptionGroup var options: StationOptions
    @Argument(help: "The batch.") var batch: String
    @Argument(help: "How many devices.") var quota: Int
    @Option(help: "Why: part of the record.") var reason: String

    func validate() throws {
        guard quota > 0 else { throw ValidationError("a quota is more than 0") }
        try refuse(reason, "--reason", "say why, for the record")
    }

    func perform() throws {
        let before = try options.openLedger().setQuota(quota, of: batch, reason: reason, by: options.actor)
        print(printable("\(batch): the quota is \(quota), and was \(before.map(String.init) ?? "none")"))
    }
}

struct Backup: StationCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Copy the ledger, as it is at one moment, into a file that is a ledger itself; stations go on meanwhile.")

    @OptionGroup var options: StationOptions
    @Argument(help: "The file; it is made.") var file: String

    func perform() throws { try options.openLedger().backUp(to: file) }
}

struct Key: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the station's public key, by which its checkpoints and reports are verified.")

    @OptionGroup var options: StationOptions
    @Option(
        help: ArgumentHelp(
            "Sign with a key on a PKCS #11 token from now on, which the token makes if it has none of this label.",
            discussion:
                "For a station that has no key yet: pkcs11:token=LABEL;object=LABEL?module-path=/…/module.so&pin-source=file:/PATH (RFC 7512).",
            valueName: "uri"))
    var token: String?

    func perform() throws {
        let key = try token.map { try options.placeKey(uri: $0) } ?? options.openKey()
        print(try key.verifier.pem, terminator: "")
    }
}

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The audit trail: verify it, sign a checkpoint of it.", subcommands: [Verify.self, Sign.self])

    struct Verify: StationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go through the whole trail, and hold it against checkpoints.",
            discussion:
                "Exit code 1: something is wrong. Without a checkpoint that was kept elsewhere, a lost end does not show."
        )

        @OptionGroup var options: StationOptions
        @Option(help: "The public key of the station that signed (PEM); this station's by default.") var key: String?
        @Option(help: "A checkpoint, as a report or `audit sign` printed it; several times for several.")
        var checkpoint: [String] = []

        func perform() throws {
            let verifier = try key.map { try Self.read($0) } ?? options.keyIfAny()?.verifier
            guard verifier != nil || checkpoint.isEmpty else {
                say("scep-station: this station has no key: name the one that the checkpoint was signed by with --key")
                throw Exit.failed
            }
            let ledger = try options.openLedger()
            do {
                let expected =
                    try verifier.map { key in
                        try checkpoint.map { try Self.head(of: $0, by: key) }
                            + ledger.checkpoints(of: key).map(\.head)
                    } ?? []
                let head = try ledger.verifyAudit(against: expected)
                print("\(head.sequence) entries, whole, \(expected.count) checkpoints hold; the last is \(head.digest)")
                let others = try ledger.checkpointCount() + checkpoint.count - expected.count
                if others > 0 {
                    say(
                        "scep-station: \(others) checkpoints in the ledger are of other keys: name those, one after the other, with --key"
                    )
                }
            } catch let fault as AuditFault {
                say("scep-station: the audit trail is not what was written: \(fault)")
                throw Exit.failed
            } catch let error as SigningError {
                say("scep-station: a checkpoint does not count: \(error)")
                throw Exit.failed
            }
        }

        private static func read(_ path: String) throws -> VerifyingKey {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw ValidationError("\(path) cannot be read")
            }
            guard let key = try? VerifyingKey(pem: [UInt8](bytes)) else {
                throw ValidationError("\(path) holds no station's public key: `scep-station key` writes it")
            }
            return key
        }

        private static func head(of text: String, by key: VerifyingKey) throws -> AuditHead {
            guard let checkpoint = try? Checkpoint(text, by: key) else {
                say(
                    "scep-station: '\(text.prefix(24))…' is no checkpoint of this key's: give what `audit sign` or a report printed, and the key of the station that did"
                )
                throw Exit.failed
            }
            return checkpoint.head
        }
    }

    struct Sign: StationCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Sign a checkpoint of the trail as it is, and print it: to be kept where nobody of the line writes.")

        @OptionGroup var options: StationOptions

        func perform() throws {
            guard let jws = try options.openLedger().signCheckpoint(by: options.openKey(), of: options.actor) else {
                say("scep-station: the trail is empty")
                throw Exit.failed
            }
            print(jws)
        }
    }
}

struct Status: StationCommand {
    static let configuration = CommandConfiguration(abstract: "Say how far the batches are, or a device.")

    @OptionGroup var options: StationOptions
    @Argument(help: "A device's serial; all batches by default.") var serial: String?

    func perform() throws {
        let ledger = try options.openLedger()
        guard let serial else {
            for batch in try ledger.batches() {
                let counts = batch.states.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                print("\(printable(batch.name)): \(batch.planned) planned; \(counts.joined(separator: ", "))")
            }
            return
        }
        let entries = try ledger.auditEntries(of: serial)
        guard !entries.isEmpty else {
            say("scep-station: the ledger has nothing of '\(serial)'")
            throw Exit.failed
        }
        for entry in entries {
            print(printable("\(entry.at)  \(entry.station)  \(entry.actor)  \(entry.action)  \(entry.detail)"))
        }
    }
}
