import ArgumentParser
import Foundation
import Ledger
import Line
import Manifest

/// Which devices.
struct ManifestOptions: ParsableArguments {
    @Argument(help: "The manifest: CSV or NDJSON.")
    var manifest: String

    @Option(help: "The profile of rows that name none: a file.")
    var profile: String?

    @Option(help: "The folder with the profiles that rows name: <name>.conf.")
    var profiles: String?

    @Option(
        help: ArgumentHelp(
            "A program that writes a device's one-time password to its standard output.",
            discussion:
                "An absolute path and arguments, separated by blanks, no shell: {serial} and {batch} are put in."))
    var challengeCommand: String?

    func challenge() throws -> ChallengeCommand? {
        try command(challengeCommand, "--challenge-command", known: ChallengeCommand.names).map(ChallengeCommand.init)
    }

    func validate() throws { _ = try challenge() }

    /// Reads the manifest from the start; what is wrong goes to `report`.
    func reader(report: @escaping (String) -> Void) throws -> ManifestReader {
        let bytes = try Self.read(manifest)
        return ManifestReader(
            bytes, hasChallengeCommand: challengeCommand != nil,
            profile: { name in loadProfile(name, report) }, report: { report("\($0.profile ?? manifest): \($0)") })
    }

    /// Goes through all of it, and tells all that is wrong.
    ///
    /// - Returns: how many devices it has; nil if something is wrong.
    func check() throws -> Int? {
        var problems = 0
        let reader = try reader { problem in
            problems += 1
            // More than a screen of them helps nobody.
            if problems <= 100 { say(problem) }
        }
        var hasChallenges = false
        while let device = reader.next() { hasChallenges = hasChallenges || device.challenge != nil }
        if problems > 100 { say("… and \(problems - 100) more") }
        if hasChallenges, let exposed = exposedFile {
            say("\(exposed): there are passwords in it, and others may read it: chmod 600 \(exposed)")
            return nil
        }
        return problems == 0 ? reader.count : nil
    }

    /// SHA-256 of the file, hexadecimal.
    func digest() throws -> String { Ledger.digest(of: try Self.read(manifest)) }

    private func loadProfile(_ name: String?, _ report: @escaping (String) -> Void) -> Profile? {
        guard let path = path(ofProfile: name) else { return name == nil ? Profile() : nil }
        guard let bytes = try? Self.read(path) else {
            report("\(path): it cannot be read")
            return nil
        }
        var isRight = true
        let profile = Profile(bytes, file: path) {
            isRight = false
            report("\(path): \($0)")
        }
        return isRight ? profile : nil
    }

    private func path(ofProfile name: String?) -> String? {
        guard let name else { return profile }
        // A name is a file's, and no path.
        guard let profiles, !name.contains("/"), !name.hasPrefix(".") else { return nil }
        return profiles + "/" + name + ".conf"
    }

    /// The file that others may read; nil if none.
    private var exposedFile: String? {
        var files = [manifest] + [profile].compactMap(\.self)
        if let profiles, let names = try? FileManager.default.contentsOfDirectory(atPath: profiles) {
            files += names.filter { $0.hasSuffix(".conf") }.map { profiles + "/" + $0 }
        }
        return files.first { file in
            var status = stat()
            return stat(file, &status) == 0 && status.st_mode & 0o077 != 0 && Self.mayHoldPasswords(file)
        }
    }

    /// Whether a line of a profile, or the header or a line of a manifest, has the word that passwords stand behind.
    private static func mayHoldPasswords(_ path: String) -> Bool {
        guard let bytes = try? read(path) else { return true }
        let lines = bytes.split(whereSeparator: { $0 == 10 || $0 == 13 })
        guard path.hasSuffix(".conf") else {
            return lines.prefix(2).contains { String(decoding: $0, as: UTF8.self).contains("challenge") }
        }
        return lines.contains { line in
            let words = String(decoding: line, as: UTF8.self).split(separator: "=", maxSplits: 1)
            return words.first?.filter { $0 != " " && $0 != "\t" } == "challenge"
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw UnreadableFile(path: path, reason: (error as NSError).localizedDescription)
        }
    }
}

/// What an option names: a program, and its arguments.
///
/// - Parameter known: what may be put into them.
func command(_ text: String?, _ option: String, known: [String]) throws -> CommandTemplate? {
    guard let text else { return nil }
    let command: CommandTemplate
    do throws(CommandTemplate.Fault) {
        command = try CommandTemplate(text, known: known)
    } catch {
        throw ValidationError("\(option): \(error)")
    }
    guard FileManager.default.isExecutableFile(atPath: command.program) else {
        throw ValidationError("\(option): \(command.program) is not there, or is no program")
    }
    return command
}

/// A manifest or a profile that is not there, or not to be read.
struct UnreadableFile: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(path) cannot be read: \(reason)" }
}
