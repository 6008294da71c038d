import DER
import DeviceCrypto
import SCEP

// The two records of fixed size in the identity store. STORAGE.md gives the bytes.

/// A transaction that was begun: all that it takes to send the same request again, byte for byte.
struct TransactionRecord {
    static var size: Int { 78 }

    /// Whether the identity's certificate signs it.
    var isRenewal = false
    /// Whether it asks the next CA.
    var isForNextCA = false
    /// Whether the CA left it pending.
    var isPending = false
    /// Whether the certificate is for the identity's own key.
    var keepsKey = false
    /// ``Transaction/identifier``
    var identifier = InlineArray<16, UInt8>(repeating: 0)
    /// The seed of all randomness in the request: a secret like the request's content.
    var seed = InlineArray<48, UInt8>(repeating: 0)
    /// What the request is made from: see ``Configuration/requestDigest``.
    var request = UInt32(0)
    /// How often the CA said PENDING.
    var polls = 0
    /// Seconds since 1970 of the next question; 0 when the time was not known.
    var nextPoll: Int64 = 0

    init() {}

    init(_ bytes: Span<UInt8>) {
        let flags = bytes[0]
        isRenewal = flags & 1 != 0
        isForNextCA = flags & 2 != 0
        isPending = flags & 4 != 0
        keepsKey = flags & 8 != 0
        for index in 0..<16 { identifier[index] = bytes[1 &+ index] }
        for index in 0..<48 { seed[index] = bytes[17 &+ index] }
        request = UInt32(truncatingIfNeeded: number(bytes, at: 65, size: 4))
        polls = Int(truncatingIfNeeded: number(bytes, at: 69, size: 3))
        nextPoll = Int64(bitPattern: number(bytes, at: 72, size: 6))
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        bytes[0] = (isRenewal ? 1 : 0) | (isForNextCA ? 2 : 0) | (isPending ? 4 : 0) | (keepsKey ? 8 : 0)
        for index in 0..<16 { bytes[1 &+ index] = identifier[index] }
        for index in 0..<48 { bytes[17 &+ index] = seed[index] }
        put(widened(request), at: 65, size: 4, in: &bytes)
        put(widened(UInt32(truncatingIfNeeded: polls)), at: 69, size: 3, in: &bytes)
        put(UInt64(bitPattern: nextPoll), at: 72, size: 6, in: &bytes)
    }
}

/// What else a device has to remember.
struct StateRecord {
    static var size: Int { 77 }

    /// Of the fingerprints under which the stored certificates of the CA are trusted: ``Configuration/origin``.
    var origin = InlineArray<16, UInt8>(repeating: 0)
    /// Of those under which the identity was issued.
    var identityOrigin = InlineArray<16, UInt8>(repeating: 0)
    /// ``Timekeeper/floor``
    var floor: Int64 = 0
    /// Failures in a row that may pass, 255 at most.
    var failures = 0
    /// Seconds since 1970 of the next try; 0 when the time was not known.
    var nextTry: Int64 = 0
    /// The transaction that the password went into, all 0 when there was none.
    var spentIn = InlineArray<16, UInt8>(repeating: 0)
    /// The first 16 bytes of the SHA-256 of that identifier and the password.
    var spent = InlineArray<16, UInt8>(repeating: 0)

    init() {}

    init(_ bytes: Span<UInt8>) {
        for index in 0..<16 {
            origin[index] = bytes[index]
            spentIn[index] = bytes[29 &+ index]
            spent[index] = bytes[45 &+ index]
            identityOrigin[index] = bytes[61 &+ index]
        }
        floor = Int64(bitPattern: number(bytes, at: 16, size: 6))
        failures = Int(bytes[22])
        nextTry = Int64(bitPattern: number(bytes, at: 23, size: 6))
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        for index in 0..<16 {
            bytes[index] = origin[index]
            bytes[29 &+ index] = spentIn[index]
            bytes[45 &+ index] = spent[index]
            bytes[61 &+ index] = identityOrigin[index]
        }
        put(UInt64(bitPattern: floor), at: 16, size: 6, in: &bytes)
        bytes[22] = UInt8(truncatingIfNeeded: min(failures, 255))
        put(UInt64(bitPattern: nextTry), at: 23, size: 6, in: &bytes)
    }

    /// Takes note that `password` goes into a transaction.
    mutating func spend(_ password: Span<UInt8>, in identifier: InlineArray<16, UInt8>) {
        spentIn = identifier
        spent = Self.digest(identifier.span, password)
    }

    /// Whether `password` went into a transaction.
    func hasSpent(_ password: Span<UInt8>) -> Bool {
        let digest = Self.digest(spentIn.span, password)
        return constantTimeEqual(digest.span, spent.span)
    }

    /// The first 16 bytes of the SHA-256 of two parts.
    static func digest(_ first: Span<UInt8>, _ second: Span<UInt8>) -> InlineArray<16, UInt8> {
        var hash = Hash(.sha256)
        hash.update(first)
        hash.update(second)
        let digest = hash.finish()
        var start = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<16 { start[index] = digest.bytes[index] }
        return start
    }
}

private func number(_ bytes: Span<UInt8>, at offset: Int, size: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in offset..<(offset &+ size) { value = value &<< 8 | widened(UInt32(bytes[index])) }
    return value
}

private func put(_ value: UInt64, at offset: Int, size: Int, in bytes: inout MutableSpan<UInt8>) {
    var rest = value
    var index = offset &+ size
    while index > offset {
        index &-= 1
        bytes[index] = UInt8(truncatingIfNeeded: rest)
        rest = rest &>> 8
    }
}
