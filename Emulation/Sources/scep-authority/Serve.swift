import ArgumentParser
import Authority
import AuthorityServer
import Foundation
import LibCrypto

extension RegistrationAuthority: ExpressibleByArgument {}
extension KeyKind: ExpressibleByArgument {}
extension Digest: ExpressibleByArgument {}
extension Cipher: ExpressibleByArgument {}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start the authority (the default).")

    enum PolicyName: String, CaseIterable, ExpressibleByArgument {
        case automatic
        case manual
        case refuse
    }

    @Option(help: "Port for SCEP; 0 takes a free one.")
    var port: UInt16 = 0

    @Option(help: "Address to listen on.")
    var bind = "127.0.0.1"

    @Option(help: "Port on 127.0.0.1 for the administrator's commands; 0 takes a free one. It asks for no password.")
    var adminPort: UInt16 = 0

    @Option(help: "Folder to keep keys and the register of certificates in. Without it, all is gone at the end.")
    var directory: String?

    @Option(help: "Name of the CA.")
    var name = CAConfiguration().name

    @Option(help: "CA identifier that clients must send as 'message'.")
    var identifier: String?

    @Option(
        help: ArgumentHelp(
            "Behave as another kind of server, and be set up as it usually is unless other options say so: "
                + "\(ServerProfile.all.map(\.name).joined(separator: ", "))."))
    var profile = ServerProfile.rfc8894.name

    @Flag(help: "Put an intermediate CA below the root.")
    var intermediate = false

    @Option(name: .customLong("ra"), help: "RA certificates.")
    var registrationAuthority: RegistrationAuthority?

    @Option(help: "Kind of the CA's keys.")
    var key: KeyKind?

    @Flag(name: .customLong("next-ca"), help: "Have a next CA ready for rollover.")
    var nextCA = false

    @Flag(help: "Give next CAs the same name, and another key.")
    var nextCaKeepsName = false

    @Option(help: "How long after it is made a next CA becomes valid: a number and s, m, h, d or y.")
    var nextCaIn = "0"

    @Option(help: "What becomes of requests that are in order: automatic, manual (PENDING until approved) or refuse.")
    var policy = PolicyName.automatic

    @Option(help: "Answer PENDING, and approve by itself at the Nth CertPoll.")
    var pollAfter: Int?

    @Option(help: "failInfo of the refusing policy, 0 to 4.")
    var failInfo = FailInfo.badRequest.rawValue

    @Option(help: "failInfoText of the refusing policy.")
    var failInfoText = "this authority refuses everything"

    @Option(help: "Challenge password for all. A file keeps it from the list of processes: --challenge-file.")
    var challenge: String?

    @Option(help: "File with the challenge password for all in its first line.")
    var challengeFile: String?

    @Option(
        help: ArgumentHelp(
            "File of one-time passwords, one a line: the device's commonName or serialNumber, a tab or space, and the "
                + "password; '*' for any device. More are issued with 'scep-authority password'."))
    var oneTimePasswords: String?

    @Flag(help: "Want one-time passwords, all of them issued with 'scep-authority password'.")
    var oneTime = false

    @Flag(help: "Want a challenge password in renewals too.")
    var renewalsNeedChallenge = false

    @Option(help: "How long issuing a certificate takes: a number and s, m, h, d or y.")
    var issuingDelay: String?

    @Flag(help: "Renew certificates that have expired.")
    var acceptExpiredRenewals = false

    @Option(help: "Requests that are known, by name and separated by commas: PKCSReq, RenewalReq, CertPoll, ….")
    var messageTypes: String?

    @Option(help: "Validity of issued certificates: a number and s, m, h, d or y.")
    var lifetime = "30d"

    @Option(
        parsing: .unconditional,
        help: "How far the authority's time is ahead of this machine's, as in 3600 or +400d; behind, as in -50y.")
    var clockOffset = "0"

    @Flag(help: "Send no Date header.")
    var noDate = false

    @Option(help: "Lines of GetCACaps in place of the usual ones, separated by commas.")
    var capabilities: String?

    @Option(help: "Digest of replies in place of the request's.")
    var digest: Digest?

    @Option(help: "Cipher of replies in place of the request's.")
    var cipher: Cipher?

    @Flag(name: .customLong("no-pwri"), help: "Refuse messages from and to EC keys, which passwords encrypt.")
    var noPasswordRecipients = false

    @Flag(help: "Take requests in single DES and MD5.")
    var acceptObsolete = false

    @Option(help: "URL for the cRLDistributionPoints of issued certificates; 'self' is this server's /crl.")
    var crl: String?

    @Option(
        help: ArgumentHelp(
            "Misbehave: name[=value][@operation,…][#times], and again for more. Names: "
                + FaultRule.usages.joined(separator: ", ")))
    var fault: [String] = []

    @Flag(help: "Print the CA's SHA-512 fingerprint too.")
    var verbose = false

    @Flag(help: "Print one line of JSON when ready, for programs; the log goes to standard error.")
    var json = false

    func run() async throws {
        let signals = Signals()
        let folder = try directory.map { URL(fileURLWithPath: $0) } ?? Self.temporaryFolder()
        let log = Log(toStandardError: json)
        var configuration = try configuration()
        if crl == "self", port == 0 {
            throw ValidationError("--crl self needs a --port, since certificates outlive a free one")
        }
        configuration.crlDistributionPoint = crl == "self" ? "http://\(bind):\(port)/crl" : crl
        configuration.directory = directory == nil ? nil : folder
        let authority = try Authority(configuration) { log.write($0.description) }
        let server = try await AuthorityServer(authority, bind: bind, port: port, adminPort: adminPort)
        let anchor = folder.appendingPathComponent("ca.pem")
        if directory == nil { try Data(authority.trustAnchor.pem()).write(to: anchor) }
        if json {
            try Ready(server: server, anchor: anchor).write()
        } else {
            try introduce(server, anchor)
        }
        await signals.wait()
        await server.stop()
        if directory == nil { try? FileManager.default.removeItem(at: folder) }
    }

    private func introduce(_ server: AuthorityServer, _ anchor: URL) throws {
        let certificate = server.authority.trustAnchor
        var lines = [
            "SCEP certificate authority for TESTS: trust nothing that it issues.",
            "  URL      \(server.url)",
            "  CA       \(certificate.subject)",
            "  SHA-256  \(try certificate.fingerprint(.sha256).hexadecimal)",
        ]
        if verbose { lines.append("  SHA-512  \(try certificate.fingerprint(.sha512).hexadecimal)") }
        lines.append("  file     \(anchor.path)")
        if let port = server.adminPort {
            lines.append("  admin    scep-authority transactions --admin-port \(port)")
        }
        Log(toStandardError: false).write(lines.joined(separator: "\n"))
    }

    private static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("scep-authority-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

extension Serve {
    /// The library's configuration, all but what depends on the server.
    private func configuration() throws -> CAConfiguration {
        var configuration = CAConfiguration()
        guard let chosen = ServerProfile.all.first(where: { $0.name == profile }) else {
            throw ValidationError("--profile: there is no \(profile)")
        }
        configuration.name = name
        configuration.behave(as: chosen)
        if let identifier { configuration.identifier = identifier }
        configuration.nextCAKeepsName = nextCaKeepsName
        configuration.hasIntermediate = intermediate
        if let registrationAuthority { configuration.registrationAuthority = registrationAuthority }
        if let key { configuration.key = key }
        if let issuingDelay { configuration.issuingDelay = try seconds(issuingDelay, of: "--issuing-delay") }
        configuration.hasNextCA = nextCA
        configuration.policy = try chosenPolicy()
        configuration.challenge = try chosenChallenge()
        configuration.lifetime = try seconds(lifetime, of: "--lifetime")
        guard configuration.lifetime > 0 else { throw ValidationError("--lifetime \(lifetime) has expired at once") }
        configuration.clockOffset = try seconds(clockOffset, of: "--clock-offset")
        if noDate { configuration.profile.http.date = .absent }
        configuration.nextCABeginsIn = try seconds(nextCaIn, of: "--next-ca-in")
        if renewalsNeedChallenge { configuration.renewalsNeedChallenge = true }
        configuration.acceptsExpiredRenewals = acceptExpiredRenewals
        if let messageTypes {
            configuration.profile.messageTypes = Set(
                try messageTypes.split(separator: ",").map { name in
                    guard let type = CAMessageType.allCases.first(where: { $0.name == name }) else {
                        throw ValidationError("--message-types: no request is called \(name)")
                    }
                    return type
                })
        }
        configuration.servesPasswordRecipients = !noPasswordRecipients
        if acceptObsolete { configuration.acceptsObsoleteAlgorithms = true }
        configuration.faults = try fault.map { try FaultRule(text: $0) }
        if let digest { configuration.profile.reply.digest = digest }
        if let cipher { configuration.profile.reply.cipher = cipher }
        if let capabilities {
            configuration.profile.capabilities = capabilities.split(separator: ",").map(String.init)
        }
        return configuration
    }

    private func chosenPolicy() throws -> Policy {
        if let pollAfter {
            guard pollAfter > 0, policy == .automatic else {
                throw ValidationError("--poll-after is a number above 0, and stands for a policy of its own")
            }
            return .afterPolls(pollAfter)
        }
        switch policy {
        case .automatic: return .automatic
        case .manual: return .manual
        case .refuse:
            guard let failInfo = FailInfo(rawValue: failInfo) else { throw ValidationError("--fail-info is 0 to 4") }
            return .refuse(Refusal(failInfo, failInfoText))
        }
    }

    private func chosenChallenge() throws -> ChallengePolicy {
        guard [challenge, challengeFile, oneTimePasswords ?? (oneTime ? "" : nil)].compactMap({ $0 }).count < 2 else {
            throw ValidationError("choose --challenge, --challenge-file, or --one-time-passwords and --one-time")
        }
        if let challenge { return .shared(challenge) }
        if let challengeFile {
            let text = try String(contentsOfFile: challengeFile, encoding: .utf8)
            guard let line = text.split(separator: "\n").first, !line.isEmpty else {
                throw ValidationError("\(challengeFile) holds no password in its first line")
            }
            return .shared(String(line))
        }
        if let oneTimePasswords {
            let text = try String(contentsOfFile: oneTimePasswords, encoding: .utf8)
            return .oneTime(try text.split(separator: "\n").map { try Self.password($0, in: oneTimePasswords) })
        }
        return oneTime ? .oneTime([]) : .none
    }

    private static func password(_ line: Substring, in file: String) throws -> OneTimePassword {
        let parts = line.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
        guard parts.count == 2 else { throw ValidationError("\(file): no device and password in '\(line.prefix(8))…'") }
        return OneTimePassword(device: parts[0] == "*" ? "" : String(parts[0]), password: String(parts[1]))
    }

}
