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

    var folder: URL { URL(fileURLWithPath: state) }

    var actor: Actor {
        Actor(
            station: station ?? ProcessInfo.processInfo.hostName, person: self.operator ?? NSUserName())
    }

    /// Opens the ledger; makes the station's folder, if it is that one's.
    func openLedger(mayBeAway: Bool = false) throws -> Ledger {
        if let ledger { return try Ledger.open(ledger, mayBeAway: mayBeAway) }
        _ = try WorkFolder(folder)
        return try Ledger.open(folder.appending(path: "ledger.db").path)
    }

    /// Where what is made for devices goes.
    func outputFolder(_ path: String?) throws -> WorkFolder {
        try WorkFolder(path.map { URL(fileURLWithPath: $0) } ?? folder.appending(path: "out"))
    }

    func openKey() throws -> StationKey {
        _ = try WorkFolder(folder)
        return try StationKey(file: folder.appending(path: "station.key"))
    }

    /// The station's key, if it has one: to verify by one that is made now would prove nothing.
    func keyIfAny() throws -> StationKey? {
        let file = folder.appending(path: "station.key")
        return FileManager.default.fileExists(atPath: file.path) ? try StationKey(file: file) : nil
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
        do {
            try perform()
        } catch let error as ExitCode {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            say("scep-station: \(error)")
            switch error {
            case is ReworkError, is StepError, is VerificationError: throw Exit.failed
            case is UnreadableFile: throw Exit.manifest
            default: throw Exit.station
            }
        }
    }
}

/// Writes a line to standard error.
func say(_ line: String) {
    FileHandle.standardError.write(Data((printable(line) + "\n").utf8))
}
