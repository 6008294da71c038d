import Board
import DeviceCrypto
import PKIX
import SCEP
import SimulatedStorage
import TestKeys
import TestSupport
import Testing

@testable import Agent
@testable import HTTP

/// An agent with all that it works with, in a time that the test has.
final class AgentBench {
    typealias Device = AgentTests.Device

    /// 2026-01-01T00:00:00Z
    static let epoch: Int64 = 1_767_225_600

    var text: [UInt8]
    var store = AgentTests.blankStore()
    var agent = Device()
    var work = [UInt8](repeating: 0xA5, count: 8192)
    var random: RandomGenerator
    /// Seconds since 1970.
    var clock: Int64? = epoch
    var uptime: UInt64 = 0

    init(_ settings: String...) throws {
        text = try AgentTests.text(settings.joined(separator: "\n"))
        random = try seededRandom()
        try store.open()
    }

    /// One that has stored its transaction, and is about to send the PKCSReq.
    convenience init(hasBegun: Void) throws {
        try self.init()
        let text = text
        let configuration = try Configuration(text.span)
        agent = try AgentTests.begun(&store, configuration)
        try putAuthority()
        try keep()
        try putAuthority()
        agent.capabilities = Capabilities.aes.union(.sha256).union(.postPKIOperation)
    }

    private func putAuthority() throws {
        let authority = try OpenSSLAuthority.shared.der
        for index in authority.indices { agent.caCertificates[index] = authority[index] }
        agent.caByteCount = authority.count
    }

    /// A device's certificate of a hundred days, and the key to it.
    private static let issued = Result {
        try OpenSSLIdentity(
            subject: "/CN=sensor", for: .rsa, issuedBy: .authority, from: "20260101000000Z", until: "20260411000000Z")
    }

    static var certificate: [UInt8] { get throws { try issued.get().der } }

    static func key() throws -> [UInt8] {
        var key = try TestKey.rsa.rsaPrivateKey()
        var bytes = [UInt8](repeating: 0, count: key.exportSize)
        var buffer = bytes.mutableSpan
        _ = try key.export(into: &buffer)
        return bytes
    }

    /// Stores an identity of the CA.
    func putIdentity(withCA: Bool = true) throws {
        var records: [(StoredRecord, [UInt8])] = try [(.privateKey, Self.key()), (.certificate, Self.certificate)]
        if withCA { records.append((.caCertificates, try OpenSSLIdentity.authority.der)) }
        try write(records, to: &store)
    }

    func start() throws(AgentError) {
        let text = text
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(text.span)
        } catch {
            throw .configuration(error)
        }
        var span = work.mutableSpan
        try agent.start(configuration: configuration, store: &store, work: &span)
    }

    func step() throws -> AgentAction {
        let text = text
        let configuration = try Configuration(text.span)
        var span = work.mutableSpan
        return try agent.step(
            configuration: configuration, clock: clock, uptime: uptime, store: &store, work: &span, random: &random)
    }

    func keep() throws {
        let text = text
        let configuration = try Configuration(text.span)
        var span = work.mutableSpan
        try agent.store(configuration: configuration, in: &store, work: &span, random: &random)
    }

    func fail(_ error: ExchangeError, to operation: Operation) throws {
        let text = text
        let configuration = try Configuration(text.span)
        try agent.failed(error, to: operation, configuration: configuration, random: &random)
    }

    func receive(
        _ body: [UInt8], status: UInt16 = 200, to operation: Operation, date: Int64? = nil
    ) throws {
        for (index, byte) in body.enumerated() { work[index] = byte }
        var response = Response()
        response.status = status
        response.body = 0..<body.count
        response.date = date
        let text = text
        let configuration = try Configuration(text.span)
        var span = work.mutableSpan
        try agent.received(
            response, to: operation, configuration: configuration, store: &store, work: &span, random: &random)
    }

    /// Lets time pass.
    func pass(milliseconds: UInt64) {
        uptime += milliseconds
        clock = clock.map { $0 + Int64(milliseconds / 1000) }
    }

    /// What is stored now.
    func record(_ record: StoredRecord) throws -> [UInt8]? {
        var again = FlashStore(store.flash, capacity: Device.snapshotCapacity)
        try again.open()
        return try value(record, of: &again)
    }

    /// A number of the record of the state or the transaction: see Docs/Storage.md.
    func number(_ record: StoredRecord, at offset: Int, size: Int) throws -> Int64 {
        let bytes = try #require(try self.record(record))
        return bytes[offset..<(offset + size)].reduce(0) { $0 << 8 | Int64($1) }
    }

    static var capabilities: [UInt8] { Array("AES\nSHA-256\nPOSTPKIOperation\nRenewal\nSCEPStandard\n".utf8) }
}
