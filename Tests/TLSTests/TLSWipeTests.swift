import Board
import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@testable import TLS

/// What seeds the connections' generator is not left on the stack, nor the generator's key once it has ended.
@Suite struct TLSWipeTests {
    private struct Quiet: Transport, ~Copyable {
        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {}
        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {}
        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int { 0 }
        mutating func close() {}
    }

    private final class Place {
        var key: [UInt8] = []
    }

    /// Nothing runs after it that would cover what it left.
    @Test func seed() throws {
        var seed = [UInt8](repeating: 0, count: 48)
        do {
            var random = try seededRandom(0x37)
            var buffer = seed.mutableSpan
            try random.fill(&buffer)
        }
        var random = try seededRandom(0x37)
        let left = try Remains { _ = try TLSTransport(Quiet(), trust: ServerTrust(), random: &random) }
        #expect(left.holds(["seed": seed]) == [])
    }

    @Test func seedAndKey() throws {
        var seed = [UInt8](repeating: 0, count: 48)
        do {
            var random = try seededRandom(0x36)
            var buffer = seed.mutableSpan
            try random.fill(&buffer)
        }
        let place = Place()
        let left = try Remains {
            var random = try seededRandom(0x36)
            var transport = try TLSTransport(Quiet(), trust: ServerTrust(), random: &random)
            random.wipe()
            // The first round of AES's key schedule is the key itself.
            transport.random.withContext { context in
                withUnsafeBytes(of: &context.pointee.drbg.aes_ctx.buf) { place.key = Array($0.prefix(32)) }
            }
            transport.free()
            let isSeeded = transport.random.isSeeded
            #expect(!isSeeded)
        }
        #expect(Set(place.key).count > 8)
        #expect(left.holds(["seed": seed, "key of the generator": place.key]) == [])
    }
}
