import Bytes
import DeviceCrypto
import SCEP

// The two records of fixed size in the identity store. Docs/Storage.md gives the bytes.

/// What kind of transaction it is, and how far.
struct TransactionFlags: BitSet {
    let rawValue: UInt16

    /// The identity's certificate signs it.
    static var renewal: TransactionFlags { TransactionFlags(rawValue: 1) }
    /// It asks the next CA.
    static var forNextCA: TransactionFlags { TransactionFlags(rawValue: 2) }
    /// The CA left it pending.
    static var pending: TransactionFlags { TransactionFlags(rawValue: 4) }
    /// The certificate is for the identity's own key.
    static var keepsKey: TransactionFlags { TransactionFlags(rawValue: 8) }
    /// It asks another CA than the identity's.
    static var forOtherCA: TransactionFlags { TransactionFlags(rawValue: 16) }
    /// It is a renewal of the other messageType than the CA's capabilities let expect.
    static var otherType: TransactionFlags { TransactionFlags(rawValue: 32) }
}

/// A transaction that was begun: all that it takes to send the same request again, byte for byte.
struct TransactionRecord {
    static var size: Int { 79 }
    /// In version 2 of the format.
    static var sizeInVersion2: Int { 78 }

    var flags = TransactionFlags()
    /// ``Transaction/identifier``; 0 if no transaction is open.
    var identifier = InlineArray<16, UInt8>(repeating: 0)
    /// The seed of all randomness in the request: a secret like the request's content.
    var seed = InlineArray<48, UInt8>(repeating: 0)
    /// What the request asks for: see ``Agent/requestDigest(_:_:)``.
    var request = UInt32(0)
    /// How often the CA said PENDING.
    var polls = 0
    /// Seconds since 1970 of the next question; 0 when the time was not known.
    var nextPoll: Int64 = 0
    /// How often the server answered the request, or a question about it, with nothing of use; 255 at most.
    var tries: UInt8 = 0

    init() {}

    init(_ bytes: Span<UInt8>) {
        flags = TransactionFlags(rawValue: UInt16(bytes[0]))
        for index in 0..<16 { identifier[index] = bytes[1 &+ index] }
        for index in 0..<48 { seed[index] = bytes[17 &+ index] }
        request = UInt32(truncatingIfNeeded: number(bytes, at: 65, size: 4))
        polls = Int(truncatingIfNeeded: number(bytes, at: 69, size: 3))
        nextPoll = Int64(bitPattern: number(bytes, at: 72, size: 6))
        tries = bytes[78]
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        bytes[0] = UInt8(truncatingIfNeeded: flags.rawValue)
        for index in 0..<16 { bytes[1 &+ index] = identifier[index] }
        for index in 0..<48 { bytes[17 &+ index] = seed[index] }
        put(widened(request), at: 65, size: 4, in: &bytes)
        put(widened(UInt32(truncatingIfNeeded: polls)), at: 69, size: 3, in: &bytes)
        put(UInt64(bitPattern: nextPoll), at: 72, size: 6, in: &bytes)
        bytes[78] = tries
    }

    var isOpen: Bool { identifier[0] != 0 }

    /// Takes it for one that was never begun.
    ///
    /// One copy in flash of what is wiped: several call it.
    @inline(never)
    mutating func close() { self = TransactionRecord() }

    /// Whether the server refuses to answer for so often that a new request is better, where it is safe. A CA that said
    /// PENDING has the request: it is given days.
    var isUseless: Bool { tries >= (flags.contains(.pending) ? 50 : 5) }

    /// Takes note of an answer that was of no use.
    mutating func countUselessAnswer() { if tries < 255 { tries &+= 1 } }
}

/// What else a device has to remember.
struct StateRecord {
    static var size: Int { 119 }
    /// In version 2 of the format.
    static var sizeInVersion2: Int { 77 }

    /// Whether it was written by version 2, which has other digests in the anchor's place: of the fingerprints' text
    /// under which the CA's certificates are trusted, and the identity was issued.
    var isOfVersion2 = false
    /// The certificate that vouched for the identity's CA.
    var anchor = Anchor()
    /// The one that did so before, of the same CA.
    var formerAnchor = Anchor()
    /// ``Timekeeper/floor``
    var floor: Int64 = 0
    /// Failures in a row, 255 at most.
    var failures = 0
    /// Seconds since 1970 of the next try; 0 when the time was not known.
    var nextTry: Int64 = 0
    /// The transaction that the password went into, all 0 when there was none.
    var spentIn = InlineArray<16, UInt8>(repeating: 0)
    /// The first 16 bytes of the SHA-256 of that identifier and the password.
    var spent = InlineArray<16, UInt8>(repeating: 0)
    /// Seconds since 1970 of when the identity was stored; 0 when the time was not known.
    var issuedAt: Int64 = 0
    /// ``Configuration/digest`` of when something failed last.
    var configuration = UInt32(0)

    init() {}

    init(_ bytes: Span<UInt8>) {
        for index in 0..<16 {
            anchor.sha256[index] = bytes[index]
            spentIn[index] = bytes[29 &+ index]
            spent[index] = bytes[45 &+ index]
            anchor.sha512[index] = bytes[61 &+ index]
            formerAnchor.sha256[index] = bytes[87 &+ index]
            formerAnchor.sha512[index] = bytes[103 &+ index]
        }
        floor = Int64(bitPattern: number(bytes, at: 16, size: 6))
        failures = Int(bytes[22])
        nextTry = Int64(bitPattern: number(bytes, at: 23, size: 6))
        issuedAt = Int64(bitPattern: number(bytes, at: 77, size: 6))
        configuration = UInt32(truncatingIfNeeded: number(bytes, at: 83, size: 4))
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        for index in 0..<16 {
            bytes[index] = anchor.sha256[index]
            bytes[29 &+ index] = spentIn[index]
            bytes[45 &+ index] = spent[index]
            bytes[61 &+ index] = anchor.sha512[index]
            bytes[87 &+ index] = formerAnchor.sha256[index]
            bytes[103 &+ index] = formerAnchor.sha512[index]
        }
        put(UInt64(bitPattern: floor), at: 16, size: 6, in: &bytes)
        bytes[22] = UInt8(truncatingIfNeeded: min(failures, 255))
        put(UInt64(bitPattern: nextTry), at: 23, size: 6, in: &bytes)
        put(UInt64(bitPattern: issuedAt), at: 77, size: 6, in: &bytes)
        put(widened(configuration), at: 83, size: 4, in: &bytes)
    }

    /// Whether the stored certificates of the CA are those of another CA than the identity's, which version 2 allowed.
    var isDividedInVersion2: Bool {
        isOfVersion2 && !constantTimeEqual(anchor.sha256.span, anchor.sha512.span)
    }

    /// Takes note that `password` goes into a transaction.
    mutating func spend(_ password: Span<UInt8>, in identifier: InlineArray<16, UInt8>) {
        spentIn = identifier
        spent = Self.digest(identifier.span, password)
    }

    /// Whether the password that was used last went into this transaction.
    func isSpent(in identifier: InlineArray<16, UInt8>) -> Bool { constantTimeEqual(identifier.span, spentIn.span) }

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
