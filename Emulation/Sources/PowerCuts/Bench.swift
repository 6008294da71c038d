import Authority
import Foundation
import Interference
import LibCrypto

/// One flow's CA, and what the device's manufacturer knows. One thread has it.
final class Bench {
    let flow: Flow
    let authority: Authority
    let token: Token
    /// What the device is told at manufacture.
    let record: [UInt8]
    /// Takes a line for a person; nil when nobody reads along.
    let log: (@Sendable (String) -> Void)?
    /// Sees what goes over the line: what is asked for, the request, and what the CA answers.
    var watch: ((CAOperation, _ request: [UInt8], _ reply: [UInt8]) -> Void)?
    /// What somebody between device and CA has heard.
    var recordings = Interference.Recordings()
    private let blank: Snapshot
    // What was found out about certificates before, by their bytes.
    private var certificates: [[UInt8]: Certificate] = [:]
    private var issued: [[UInt8]: Bool] = [:]
    private var signed: [[UInt8]: [[UInt8]: Bool]] = [:]
    /// Records of stores that were opened before, by ``Part/stateHash`` of what they lie on: opening did not change it.
    private(set) var opened: [Int: Records] = [:]
    /// Storage, by state hash and time, that another start did not change.
    private var finished: [Int: Set<UInt64>] = [:]
    /// All is forgotten when there is more.
    private static let limit = 10_000

    /// - Parameter keys: of the CA and the next CA.
    init(_ flow: Flow, token: Token, keys: [PrivateKey], log: (@Sendable (String) -> Void)? = nil) throws {
        self.flow = flow
        self.token = token
        self.log = log
        authority = try flow.makeAuthority(keys: keys) { event in log?("  CA: \(event)") }
        record = flow.record(fingerprint: try authority.trustAnchor.fingerprint(.sha256).hexadecimal)
        blank = authority.snapshot()
    }

    /// A device fresh from the factory.
    func state<P: Part>(_ part: P) -> SystemState<P> {
        SystemState(part: part, authority: blank, now: Flow.epoch * 1000)
    }

    /// Gives the CA the time. Its clock goes in steps of ten minutes, so that it meets the same question at the same time
    /// more often, and need not work the answer out again.
    ///
    /// - Parameter now: milliseconds since 1970.
    func setClock(_ now: UInt64) {
        let difference = Double(now / 600_000 * 600) - authority.now.timeIntervalSince1970
        if difference != 0 { authority.moveClock(by: difference) }
    }

    func certificate(_ der: [UInt8]) throws(LibCryptoError) -> Certificate {
        if let known = certificates[der] { return known }
        let certificate = try Certificate(der: der)
        certificates[der] = certificate
        return certificate
    }

    func remember(_ records: Records, of stateHash: Int) {
        if opened.count >= Self.limit { opened.removeAll() }
        opened[stateHash] = records
    }

    /// Whether a device that was as in `state` was started once more, and nothing changed.
    func isFinished<P: Part>(_ state: SystemState<P>) -> Bool {
        finished[state.part.stateHash]?.contains(state.now) ?? false
    }

    func markFinished<P: Part>(_ state: SystemState<P>) {
        if finished.count >= Self.limit { finished.removeAll() }
        finished[state.part.stateHash, default: []].insert(state.now)
    }

    /// Whether the CA's database has this very certificate.
    func isIssued(_ certificate: Certificate) throws -> Bool {
        let serial = certificate.serialText
        guard authority.issuedCertificates().contains(where: { $0.serial == serial }) else { return false }
        if let known = issued[certificate.der] { return known }
        let isIssued = try authority.issuedCertificate(serial: serial) == certificate
        issued[certificate.der] = isIssued
        return isIssued
    }

    /// Whether the CA that is in service has signed a certificate.
    func isSignedByCA(_ certificate: Certificate) -> Bool {
        let issuer = authority.issuingCertificate
        if let known = signed[issuer.der]?[certificate.der] { return known }
        let isSigned = certificate.isSigned(by: issuer.publicKey)
        signed[issuer.der, default: [:]][certificate.der] = isSigned
        return isSigned
    }
}

/// What must not happen, and did.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
