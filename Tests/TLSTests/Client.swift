import Agent
import Board
import DeviceCrypto
import Foundation
import HTTP
import LinuxBoard
import TLS
import TestKeys
import TestSupport

@testable import Gateway

/// What a client trusts and knows.
struct Client: Sendable {
    var authorities: [UInt8] = []
    var pins: [UInt8] = []
    /// Seconds since 1970; nil if nothing is known.
    var time: Int64? = Int64(Date().timeIntervalSince1970)
    var isExact = true
    var proxy: HTTPProxy?
    var identity: (certificate: [UInt8], key: TestKey, isRSA: Bool)?
    /// CAs above the identity's certificate, in DER.
    var issuers: [[UInt8]] = []
    var milliseconds: UInt64 = 60_000

    /// Asks for GetCACaps, and gives what came, or why nothing did.
    func ask(_ url: String) throws -> Result<String, ExchangeError> {
        let clock = SystemClock()
        var options = TransportOptions()
        options.authorities = authorities
        options.pins = pins
        options.proxy = proxy
        var transport = try GatewayTransport(options, clock: clock)
        transport.note(time: time, isExact: isExact)
        if let identity {
            if identity.isRSA {
                try transport.show(identity.certificate.span, key: identity.key.rsaPrivateKey())
            } else {
                var ec = try identity.key.ecPrivateKey(.p256)
                var bytes = [UInt8](repeating: 0, count: ec.exportSize)
                do {
                    var buffer = bytes.mutableSpan
                    _ = try ec.export(into: &buffer)
                }
                var key = SoftwareKey()
                try key.load(bytes.span)
                try transport.show(identity.certificate.span, key: key)
            }
            for issuer in issuers { try transport.show(issuer: issuer.span) }
        }
        var work = [UInt8](repeating: 0, count: 65_536)
        var traffic = Traffic()
        let bytes = Array(url.utf8)
        var buffer = work.mutableSpan
        guard let address = try? ServerURL(bytes.span) else { fatalError("\(url) is no URL of a test") }
        do throws(ExchangeError) {
            let response = try exchange(
                "GetCACaps", .none, with: address, in: &buffer,
                deadline: clock.uptime + milliseconds, over: &transport, clock: clock, traffic: &traffic)
            return .success(String(decoding: buffer.span.extracting(response.body).array, as: UTF8.self))
        } catch {
            return .failure(error)
        }
    }

    /// The error of a connection that must fail; nil if it did not.
    func failure(_ url: String) throws -> TransportError? {
        switch try ask(url) {
        case .failure(.connecting(let error)): error
        case .failure(let error): throw error
        case .success: nil
        }
    }
}
