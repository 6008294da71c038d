import Board
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
    /// Where each field stands.
    private enum Field {
        static var flags: Int { 0 }
        static var identifier: Range<Int> { 1..<17 }
        static var seed: Range<Int> { 17..<65 }
        static var request: Range<Int> { 65..<69 }
        static var polls: Range<Int> { 69..<72 }
        static var nextPoll: Range<Int> { 72..<78 }
        static var tries: Int { 78 }
    }

    static var size: Int { Field.tries &+ 1 }
    /// In version 2 of the format, which has no tries.
    static var sizeInVersion2: Int { Field.tries }

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
        flags = TransactionFlags(rawValue: UInt16(bytes[Field.flags]))
        for index in 0..<16 { identifier[index] = bytes[Field.identifier.lowerBound &+ index] }
        for index in 0..<48 { seed[index] = bytes[Field.seed.lowerBound &+ index] }
        request = UInt32(truncatingIfNeeded: number(bytes, in: Field.request))
        polls = Int(truncatingIfNeeded: number(bytes, in: Field.polls))
        nextPoll = Int64(bitPattern: number(bytes, in: Field.nextPoll))
        tries = bytes[Field.tries]
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        bytes[Field.flags] = UInt8(truncatingIfNeeded: flags.rawValue)
        for index in 0..<16 { bytes[Field.identifier.lowerBound &+ index] = identifier[index] }
        for index in 0..<48 { bytes[Field.seed.lowerBound &+ index] = seed[index] }
        put(widened(request), in: Field.request, of: &bytes)
        put(widened(UInt32(truncatingIfNeeded: polls)), in: Field.polls, of: &bytes)
        put(UInt64(bitPattern: nextPoll), in: Field.nextPoll, of: &bytes)
        bytes[Field.tries] = tries
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
    /// Where each field stands.
    private enum Field {
        static var anchorSHA256: Range<Int> { 0..<16 }
        static var floor: Range<Int> { 16..<22 }
        static var failures: Int { 22 }
        static var nextTry: Range<Int> { 23..<29 }
        static var spentIn: Range<Int> { 29..<45 }
        static var spent: Range<Int> { 45..<61 }
        static var anchorSHA512: Range<Int> { 61..<77 }
        static var issuedAt: Range<Int> { 77..<83 }
        static var configuration: Range<Int> { 83..<87 }
        static var formerAnchorSHA256: Range<Int> { 87..<103 }
        static var formerAnchorSHA512: Range<Int> { 103..<119 }
    }

    static var size: Int { Field.formerAnchorSHA512.upperBound }
    /// In version 2 of the format, which ends with the anchor.
    static var sizeInVersion2: Int { Field.anchorSHA512.upperBound }

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
            anchor.sha256[index] = bytes[Field.anchorSHA256.lowerBound &+ index]
            spentIn[index] = bytes[Field.spentIn.lowerBound &+ index]
            spent[index] = bytes[Field.spent.lowerBound &+ index]
            anchor.sha512[index] = bytes[Field.anchorSHA512.lowerBound &+ index]
            formerAnchor.sha256[index] = bytes[Field.formerAnchorSHA256.lowerBound &+ index]
            formerAnchor.sha512[index] = bytes[Field.formerAnchorSHA512.lowerBound &+ index]
        }
        floor = Int64(bitPattern: number(bytes, in: Field.floor))
        failures = Int(bytes[Field.failures])
        nextTry = Int64(bitPattern: number(bytes, in: Field.nextTry))
        issuedAt = Int64(bitPattern: number(bytes, in: Field.issuedAt))
        configuration = UInt32(truncatingIfNeeded: number(bytes, in: Field.configuration))
    }

    func write(to bytes: inout MutableSpan<UInt8>) {
        for index in 0..<16 {
            bytes[Field.anchorSHA256.lowerBound &+ index] = anchor.sha256[index]
            bytes[Field.spentIn.lowerBound &+ index] = spentIn[index]
            bytes[Field.spent.lowerBound &+ index] = spent[index]
            bytes[Field.anchorSHA512.lowerBound &+ index] = anchor.sha512[index]
            bytes[Field.formerAnchorSHA256.lowerBound &+ index] = formerAnchor.sha256[index]
            bytes[Field.formerAnchorSHA512.lowerBound &+ index] = formerAnchor.sha512[index]
        }
        put(UInt64(bitPattern: floor), in: Field.floor, of: &bytes)
        bytes[Field.failures] = UInt8(truncatingIfNeeded: min(failures, 255))
        put(UInt64(bitPattern: nextTry), in: Field.nextTry, of: &bytes)
        put(UInt64(bitPattern: issuedAt), in: Field.issuedAt, of: &bytes)
        put(widened(configuration), in: Field.configuration, of: &bytes)
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

/// The big-endian number in `field`.
private func number(_ bytes: Span<UInt8>, in field: Range<Int>) -> UInt64 {
    var value: UInt64 = 0
    for index in field { value = value &<< 8 | widened(UInt32(bytes[index])) }
    return value
}

/// Stores the last bytes of a number, as many as `field` has, big-endian.
private func put(_ value: UInt64, in field: Range<Int>, of bytes: inout MutableSpan<UInt8>) {
    var rest = value
    var index = field.upperBound
    while index > field.lowerBound {
        index &-= 1
        bytes[index] = UInt8(truncatingIfNeeded: rest)
        rest = rest &>> 8
    }
}

extension IdentityStore where S: ~Copyable {
    /// The transactionID that is under way, 32 hexadecimal digits; nil if none is. For whoever keeps a record beside the
    /// device, before the request is sent.
    public mutating func transactionID() throws(StorageError) -> InlineArray<32, UInt8>? {
        var bytes = InlineArray<79, UInt8>(repeating: 0)
        var buffer = bytes.mutableSpan
        // The request's seed is among it.
        defer { wipe(&buffer) }
        guard let size = try read(.transaction, into: &buffer), size >= TransactionRecord.sizeInVersion2 else {
            return nil
        }
        var record = TransactionRecord(buffer.span)
        defer { record.close() }
        return record.isOpen ? Transaction(identifier: record.identifier).transactionID : nil
    }
}
