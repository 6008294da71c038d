import Foundation

/// What an operation leaves behind on its stack.
///
/// The operation runs on a thread of its own (``stackLeft(by:)``); when it has ended, all of that stack is searched for its
/// secrets, below and above where it ended: whatever a frame held and nobody wiped is still there. It needs to know nothing of the code, so a secret that somebody adds and forgets is found like the others.
///
/// A secret counts as found by any twelve bytes of it in a row: more than one register, which compilers spill as they
/// like. What is not found: less than that; a secret in another form (a key schedule beyond its first and last round, a
/// bignum of mbedTLS's, whose limbs are in another order and on the heap); and whatever is on the heap, unless
/// it is looked for there as well (PretendedSystem).
public struct Remains {
    private let left: [UInt8]

    /// Runs `body`.
    ///
    /// - Throws: what it throws, and if there is no thread.
    public init(of body: () throws -> Void) throws { left = try stackLeft(by: body) }

    package init(left: [UInt8]) { self.left = left }

    /// Which of `secrets`, by their names, are found, and how much of them.
    public func holds(_ secrets: [String: [UInt8]]) -> [String] {
        left.withUnsafeBytes { Self.found(secrets, in: $0) }
    }

    /// How many keys of AES are found, by what AES makes of them: whatever ciphers, and every generator.
    public var keyScheduleCount: Int { left.withUnsafeBytes { AESKeySchedule.count(in: $0) } }

    /// Which of `secrets` are found in `memory`, and how much of them.
    public static func found(_ secrets: [String: [UInt8]], in memory: UnsafeRawBufferPointer) -> [String] {
        // Found by the first eight bytes, and then compared.
        var windows: [UInt64: [(name: String, start: Int)]] = [:]
        for (name, secret) in secrets {
            for start in 0..<max(secret.count - 11, 0) {
                let window = secret[start..<(start + 8)]
                // Zeros and the like are everywhere.
                guard Set(window).count >= 4 else { continue }
                let word = window.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                windows[word, default: []].append((name, start))
            }
        }
        var places: [String: [Int]] = [:]
        // Most places are ruled out by two bytes.
        var mayBegin = [Bool](repeating: false, count: 1 << 16)
        for word in windows.keys { mayBegin[Int(word & 0xFFFF)] = true }
        var index = 0
        while index <= memory.count - 12 {
            let word = memory.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // Of what is blank there is much, and no secret begins with zeros.
            guard word != 0 else {
                index += 8
                continue
            }
            if mayBegin[Int(word & 0xFFFF)] {
                for (name, start) in windows[word] ?? [] {
                    let window = secrets[name]?[start..<(start + 12)] ?? []
                    if window.elementsEqual(memory[index..<(index + 12)]) { places[name, default: []].append(start) }
                }
            }
            index += 1
        }
        return places.sorted { $0.key < $1.key }.map { name, starts in
            "\(name): bytes \(starts.min() ?? 0)..<\((starts.max() ?? 0) + 12) of \(secrets[name]?.count ?? 0)"
        }
    }
}

/// Bytes on the heap that outlive the thread which works in them.
public final class Place {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public convenience init(_ count: Int) { self.init([UInt8](repeating: 0, count: count)) }

    public func use(_ body: (inout MutableSpan<UInt8>) throws -> Void) rethrows {
        var own: [UInt8] = []
        swap(&own, &bytes)
        defer { swap(&own, &bytes) }
        var buffer = own.mutableSpan
        try body(&buffer)
    }
}

extension Array where Element == UInt8 {
    /// Bytes by chance, for secrets that are in no other test's memory.
    public static func random(_ count: Int) -> [UInt8] {
        var system = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &system) }
    }
}
