import Authority
import AuthorityServer
import Emulator
import Foundation
import LibCrypto

/// The CA that a device is sent to.
struct CA: Sendable {
    /// As the device reaches it.
    let url: String
    /// SHA-256 or SHA-512 of its certificate, hexadecimal, lower case.
    let fingerprint: String
    let challenge: String?
    /// Its root, DER, when it is ours.
    var root: Data?
    /// What is between its root and the certificates that it issues, DER.
    var intermediates: [Data] = []
    /// What the terminal says of it.
    let introduction: String
}

extension Session {
    /// Runs `body` with the CA of the command line, or with one that is started for it.
    func withCA(_ body: @escaping @Sendable (CA) async throws -> Void) async throws {
        guard let url = command.url, let fingerprint = command.fingerprint else {
            return try await withOwnCA(body)
        }
        let digits = fingerprint.lowercased().filter { !": ".contains($0) }
        guard [64, 128].contains(digits.count), digits.allSatisfy(\.isHexDigit) else {
            throw Failure(
                "--fingerprint has \(digits.count) characters; SHA-256 has 64 hexadecimal digits, SHA-512 has 128",
                exitCode: 2)
        }
        try await body(
            CA(
                url: reachable(url), fingerprint: digits, challenge: command.challenge,
                introduction: "\(url), which is not ours"))
    }

    /// Starts an authority that admits one device, once.
    private func withOwnCA(_ body: @escaping @Sendable (CA) async throws -> Void) async throws {
        let password = try randomBytes(12).hexadecimal
        var configuration = CAConfiguration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: password)])
        let authority = try Authority(configuration) { [terminal, isVerbose = command.verbose] event in
            if isVerbose { terminal.step(.authority, event.description) }
        }
        let server = try await AuthorityServer(authority)
        do {
            let anchor = authority.trustAnchor
            let fingerprint = try anchor.fingerprint(.sha256).hexadecimal
            try await body(
                CA(
                    url: reachable(server.url), fingerprint: fingerprint, challenge: password, root: Data(anchor.der),
                    introduction: "a test authority at \(server.url), SHA-256 \(fingerprint.prefix(16))…"))
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    /// `url` as the board reaches it: this machine's loopback has another address inside an emulated machine.
    private func reachable(_ url: String) -> String {
        guard board.isMachine, var parts = URLComponents(string: url) else { return url }
        guard ["localhost", "127.0.0.1", "[::1]"].contains(parts.host ?? "") else { return url }
        parts.host = board.loopback
        return parts.string ?? url
    }
}
