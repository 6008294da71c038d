import ArgumentParser
import Foundation
import Ledger
import Line
import LinuxBoard
import Provisioning
import Signing

/// What all commands are told: where the station keeps what it has, and who works at it.
struct StationOptions: ParsableArguments {
    @Option(help: "The station's folder: its ledger, its key, and what it makes until that is delivered.")
    var state = "scep-station"

    @Option(help: "Another ledger than the one in that folder: a file, or postgresql://…, shared by stations.")
    var ledger: String?

    @Option(help: "The station's name in the record; the machine's by default.")
    var station: String?

    @Option(help: "Who works at the station, for the record; the login name by default.")
    var `operator`: String?

    func validate() throws {
        try refuse(station, "--station", "the station's name is part of the record")
        try refuse(self.operator, "--operator", "who works at the station is part of the record")
    }

    var folder: URL { URL(fileURLWithPath: state) }

    var actor: Actor {
        // A user of a container's may have a number alone.
        let user = NSUserName()
        return Actor(
            station: station ?? ProcessInfo.processInfo.hostName,
            person: self.operator ?? (user.isEmpty ? "user \(getuid())" : user))
    }

    @Flag(help: "Go on with a ledger that does not have what this station saw last: another one, or an older copy.")
    var acceptLedger = false

    /// What the station saw last of its ledger.
    var witness: Witness { Witness(file: folder.appending(path: "witness")) }

    /// Opens the ledger that there is.
    func openLedger() throws -> Ledger {
        let address = ledger ?? folder.appending(path: "ledger.db").path
        let isFile = !address.contains("dbname=") && !address.contains("://")
        if isFile, !FileManager.default.fileExists(atPath: address) {
            throw LedgerError.notOpened(
                "there is none at \(address): `run` makes it; is --state, or --ledger, what it was then?")
        }
        return try open(address, mayBeAway: false)
    }

    /// Opens the ledger; makes it, and the station's folder, if it is not there.
    func openOrMakeLedger(mayBeAway: Bool) throws -> Ledger {
        _ = try WorkFolder(folder)
        return try open(ledger ?? folder.appending(path: "ledger.db").path, mayBeAway: mayBeAway)
    }

    private func open(_ address: String, mayBeAway: Bool) throws -> Ledger {
        let opened = try Ledger.open(address, mayBeAway: mayBeAway)
        do {
            if !acceptLedger { try witness.check(opened) }
        } catch LedgerError.unavailable where mayBeAway {
            // It is looked at when it is back.
        }
        return opened
    }

    /// Where what is made for devices goes.
    func outputFolder(_ path: String?) throws -> WorkFolder {
        try WorkFolder(path.map { URL(fileURLWithPath: $0) } ?? folder.appending(path: "out"))
    }

    /// Wipes what this station has of a device's key: what was handed over, and what is kept until then.
    ///
    /// - Parameter isExpected: whether there should be something.
    func wipe(_ serial: String, output: String?, isExpected: Bool) throws {
        let (out, work) = (try outputFolder(output), try workFolder())
        if isExpected, [out, work].allSatisfy({ !FileManager.default.fileExists(atPath: $0.folder(of: serial).path) }) {
            say(
                "scep-station: nothing of \(serial) is in \(out.url.path): what was made elsewhere is wiped with --output"
            )
        }
        try work.wipe(serial)
        try out.wipe(serial)
    }

    /// Where keys are until they are handed over.
    func workFolder() throws -> WorkFolder {
        _ = try WorkFolder(folder)
        return try WorkFolder(folder.appending(path: "work"))
    }

    private var keyFile: URL { folder.appending(path: "station.key") }

    func openKey() throws -> StationKey {
        _ = try WorkFolder(folder)
        return try StationKey(file: keyFile)
    }

    /// Has the station sign with a key on a token.
    func placeKey(uri: String) throws -> StationKey {
        _ = try WorkFolder(folder)
        return try StationKey.place(uri: uri, in: keyFile)
    }

    /// The station's key, if it has one: to verify by one that is made now would prove nothing.
    func keyIfAny() throws -> StationKey? {
        FileManager.default.fileExists(atPath: keyFile.path) ? try StationKey(file: keyFile) : nil
    }
}

/// A command that says what went wrong in one sentence, and ends with its exit code.
protocol StationCommand: ParsableCommand {
    func perform() throws
}

extension StationCommand {
    func run() throws {
        // Neither another program of this user nor a core file gets at keys and passwords.
        LinuxBoard.Process.protect()
        // What may not be written is an error, and no end of the program (RLIMIT_FSIZE).
        signal(SIGXFSZ, SIG_IGN)
        do {
            try perform()
        } catch let error as ExitCode {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            say("scep-station: \(error)")
            switch error {
            case is ReworkError, is QuotaError, is StepError, is VerificationError: throw Exit.failed
            case is UnreadableFile: throw Exit.manifest
            default: throw Exit.station
            }
        }
    }
}

/// Refuses a text of the record in which nobody can see anything.
///
/// - Parameter text: nil where the option was not given.
func refuse(_ text: String?, _ option: String, _ why: String) throws {
    guard let text,
        !text.unicodeScalars.contains(where: { !$0.properties.isWhitespace && printable("\($0)") == "\($0)" })
    else { return }
    throw ValidationError("\(option) is empty: \(why)")
}

/// Writes a line to standard error.
func say(_ line: String) { writeToStandardError(printable(line) + "\n") }

/// A terminal that was closed is no reason to leave devices half done.
func writeToStandardError(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
