import Agent
import DeviceCrypto
import Inspection
import LinuxBoard
import Output
import PKIX
import SCEP

/// `scep inspect`: says what files hold, and which checks pass.
///
/// - Returns: ``ExitCode/trust`` if a check failed or a file could not be recognised, after all was said.
func inspect(_ settings: Settings, _ operands: [Text], _ report: inout Report) throws(Failure) -> ExitCode {
    guard !operands.isEmpty else { throw Failure(.usage, "no-file", "which file? see: scep inspect --help") }
    var options = InspectOptions()
    if let file = settings[.caFile] { options.ca = try InputFile.read(file) }
    if let file = settings[.request] { options.request = try InputFile.read(file) }
    options.fingerprints = settings[.fingerprint] ?? []
    options.policy = try policy(settings)
    options.canDecrypt = try canDecrypt(settings)
    options.moment = SystemClock().time.map { .exact($0) } ?? .unknown
    options.showsChallenge = settings.isSet(.showChallenge)
    if let file = settings[.challengeFile] { options.password = try InputFile.readSecret(file) }
    if settings[.existingKey] != nil {
        let keys = KeyProvider(try KeySettings(settings))
        defer { keys.end() }
        try keys.settings.needExistingKey()
        var random = try makeRandom()
        defer { random.wipe() }
        do throws(KeyFailure) {
            try keys.readExisting(into: &options.key, random: &random)
            options.hasKey = true
        } catch {
            options.password.wipe()
            var message = Text()
            error.write(to: &message)
            throw Failure(.storage, "key-failed", message)
        }
    }
    let summary = try inspect(operands, options, random: makeRandom(), into: &report) { file throws(Failure) in
        try InputFile.read(file)
    }
    return summary.failed == 0 && summary.unrecognized == 0 ? .done : .trust
}
