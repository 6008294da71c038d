import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import HTTP
import LinuxBoard
import PKIX
import SCEP
import TLS

/// The certificates of the CAs that devices enrol at, which the station asks for and checks against the same fingerprints as its
/// devices: a certificate that a device shows counts if one of them issued it.
final class CATrust: @unchecked Sendable {
    /// What a device is told of its CA.
    struct CA: Hashable {
        let url: String
        let fingerprint: String
        /// The CA's identifier; empty if there is none.
        let message: String
        /// Leniencies, as the configuration's `allow` has them.
        let allow: String
    }

    struct Unknown: Error, CustomStringConvertible {
        let description: String
    }

    private let lock = NSLock()
    private var known: [CA: [UInt8]] = [:]

    /// Whether the CA issued a certificate.
    ///
    /// - Throws: ``Unknown``: the CA's certificates cannot be had, or are not those of the fingerprint.
    func hasIssued(_ der: [UInt8], _ ca: CA) throws(Unknown) -> Bool {
        let before = lock.withLock { known[ca] }
        if let before, Self.isIssued(der, by: before) { return true }
        // It may have another certificate by now.
        let now = try fetch(ca)
        lock.withLock { known[ca] = now }
        return Self.isIssued(der, by: now)
    }

    private static func isIssued(_ der: [UInt8], by authorities: [UInt8]) -> Bool {
        guard let certificate = try? Certificate(der.span) else { return false }
        return CACertificates(authorities.span).haveIssued(certificate, mayBeCA: true)
    }

    /// Asks for the CA's certificates.
    ///
    /// - Returns: those that are trusted, one after the other, in DER.
    private func fetch(_ ca: CA) throws(Unknown) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var trusted = [UInt8](repeating: 0, count: 16_384)
        var count = 0
        do {
            var work = buffer.mutableSpan
            let body = try Self.ask(ca, &work)
            var space = trusted.mutableSpan
            count = try Self.accept(ca, &work, body, &space)
        }
        return Array(trusted.prefix(count))
    }

    private static func ask(_ ca: CA, _ work: inout MutableSpan<UInt8>) throws(Unknown) -> Range<Int> {
        let clock = SystemClock()
        var random = RandomGenerator()
        defer { random.wipe() }
        var entropy = SystemEntropy()
        let url = [UInt8](ca.url.utf8)
        let message = [UInt8](ca.message.utf8)
        var traffic = Traffic()
        do {
            try seed(&random, from: &entropy, personalization: Span())
            var transport = try TLSTransport(TCP(clock: clock), trust: ServerTrust(), random: &random)
            let response = try exchange(
                "GetCACert", message.isEmpty ? .none : .text(message.span), with: ServerURL(url.span), in: &work,
                deadline: clock.uptime + 30_000, over: &transport, clock: clock, traffic: &traffic)
            guard response.status == 200 else {
                throw Unknown(description: "\(ca.url) answers GetCACert with status \(response.status)")
            }
            return response.body
        } catch let error as Unknown {
            throw error
        } catch {
            throw Unknown(description: "\(ca.url) does not answer GetCACert: \(error)")
        }
    }

    private static func accept(
        _ ca: CA, _ work: inout MutableSpan<UInt8>, _ body: Range<Int>, _ space: inout MutableSpan<UInt8>
    ) throws(Unknown) -> Int {
        let text = [UInt8](ca.fingerprint.utf8)
        let allow = [UInt8](ca.allow.utf8)
        guard let fingerprints = Fingerprints(text.span),
            var policy = ca.allow.isEmpty ? Policy() : Policy(allowing: allow.span)
        else { throw Unknown(description: "the fingerprint of the CA cannot be read") }
        do throws(SCEPError) {
            return try GetCACert.accept(
                &work, body: body, fingerprints: fingerprints, policy: &policy,
                moment: .exact(Int64(Date().timeIntervalSince1970)), into: &space
            ).byteCount
        } catch {
            throw Unknown(description: "what \(ca.url) says are its CA's certificates is not trusted: \(error)")
        }
    }
}
