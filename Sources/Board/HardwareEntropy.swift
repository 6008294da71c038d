import Bytes
import DeviceCrypto

/// A random generator in hardware, whose bytes nobody has judged yet.
public protocol RandomPart: ~Copyable {
    /// Fills `bytes` with what it makes.
    ///
    /// - Returns: false where it does not answer in time.
    mutating func fill(_ bytes: inout MutableSpan<UInt8>) -> Bool
}

/// Entropy of a random generator in hardware: each 64 bytes are the SHA-512 of 1,024 of its bytes, of which each need have no more
/// than one bit of entropy.
///
/// A generator that is silent, that is stuck, or that repeats itself is `failed`, by the health tests of SP 800-90B, 4.4, with
/// a false alarm in 2^20 tests of one that is no better than that, and none that anyone would live to see of a good one.
public struct HardwareEntropy<Part: RandomPart & ~Copyable>: EntropySource, ~Copyable {
    private var part: Part

    public init(_ part: consuming Part) { self.part = part }

    public mutating func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
        var done = 0
        while done < seed.count {
            var digest = Digest(.sha512)
            defer { digest.wipe() }
            try draw(into: &digest)
            let count = min(digest.bytes.count, seed.count &- done)
            for index in 0..<count { seed[done &+ index] = digest.bytes[index] }
            done &+= count
        }
    }

    private mutating func draw(into digest: inout Digest) throws(EntropyError) {
        var hash = Hash(.sha512)
        var block = InlineArray<64, UInt8>(repeating: 0)
        var bytes = block.mutableSpan
        var test = HealthTest()
        defer {
            wipe(&bytes)
            // Whatever state it has.
            hash.finish(into: &digest)
        }
        for _ in 0..<16 {
            guard part.fill(&bytes), test.passes(bytes.span) else { throw .failed }
            hash.update(bytes.span)
        }
    }
}

/// The repetition count test and the adaptive proportion test of SP 800-90B, 4.4.1 and 4.4.2, for bytes with a bit of entropy, and
/// whether a block comes twice in a row.
struct HealthTest: ~Copyable {
    /// 1 + 20: so often a byte may not come in a row.
    private static var repetitionLimit: Int { 21 }
    /// So often a byte may not come among 512.
    private static var proportionLimit: Int { 311 }
    private static var window: Int { 512 }

    private var last: UInt8 = 0
    private var repetitions = 0
    private var sample: UInt8 = 0
    private var occurrences = 0
    private var position = 0
    private var former: (UInt32, UInt32) = (0, 0)

    /// - Parameter bytes: the next, 8 or more.
    mutating func passes(_ bytes: Span<UInt8>) -> Bool {
        // The first 8 bytes of a block tell it from the one before.
        let beginning = (littleEndian(bytes, at: 0), littleEndian(bytes, at: 4))
        guard beginning != former else { return false }
        former = beginning
        for index in bytes.indices {
            let byte = bytes[index]
            repetitions = byte == last ? repetitions &+ 1 : 1
            last = byte
            if position == 0 {
                sample = byte
                occurrences = 0
            }
            if byte == sample { occurrences &+= 1 }
            position = (position &+ 1) % Self.window
            guard repetitions < Self.repetitionLimit, occurrences < Self.proportionLimit else { return false }
        }
        return true
    }
}
