import TestSupport
import Testing

@testable import Agent

/// The two records of fixed size, byte by byte as Docs/Storage.md has them.
@Suite struct RecordsTests {
    /// No byte of it is another's.
    private static func bytes(_ count: Int, _ first: UInt8) -> [UInt8] { (0..<count).map { first + UInt8($0) } }

    @Test func transaction() {
        let (identifier, seed) = (Self.bytes(16, 0x10), Self.bytes(48, 0x80))
        let stored =
            [0x2D] + identifier + seed + [0xD1, 0xD2, 0xD3, 0xD4] + [0x01, 0x02, 0x03]
            + [0x00, 0x00, 0x69, 0x55, 0xB9, 0x00] + [0x31]
        #expect(stored.count == 79 && TransactionRecord.size == 79)
        let record = TransactionRecord(stored.span)
        let (flags, request, polls, nextPoll, tries) = (
            record.flags, record.request, record.polls, record.nextPoll, record.tries
        )
        #expect(
            flags.contains(.renewal) && flags.contains(.pending) && flags.contains(.keepsKey)
                && flags.contains(.otherType) && !flags.contains(.forNextCA) && !flags.contains(.forOtherCA))
        #expect((0..<16).map { record.identifier[$0] } == identifier)
        #expect((0..<48).map { record.seed[$0] } == seed)
        #expect(request == 0xD1D2_D3D4 && polls == 66_051 && nextPoll == 1_767_225_600 && tries == 0x31)
        var written = [UInt8](repeating: 0xEE, count: 79)
        var buffer = written.mutableSpan
        record.write(to: &buffer)
        #expect(written == stored)
        let none = TransactionRecord()
        let (isOpen, isRecordOpen) = (none.isOpen, record.isOpen)
        #expect(!isOpen && isRecordOpen)
    }

    /// What was never said of a device is 0 in each of its fields.
    @Test func whatIsNotKnownIsZero() {
        var transaction = [UInt8](repeating: 0xEE, count: 79)
        var state = [UInt8](repeating: 0xEE, count: 119)
        do {
            var buffer = transaction.mutableSpan
            TransactionRecord().write(to: &buffer)
        }
        do {
            var buffer = state.mutableSpan
            StateRecord().write(to: &buffer)
        }
        #expect(transaction == [UInt8](repeating: 0, count: 79) && state == [UInt8](repeating: 0, count: 119))
    }

    /// What the first byte of a transaction says, by its number in Docs/Storage.md.
    @Test func kindsOfTransaction() {
        let kinds: [(TransactionFlags, UInt8)] = [
            (.renewal, 1), (.forNextCA, 2), (.pending, 4), (.keepsKey, 8), (.forOtherCA, 16), (.otherType, 32),
        ]
        for (flags, number) in kinds {
            var record = TransactionRecord()
            record.flags = flags
            var written = [UInt8](repeating: 0xEE, count: 79)
            var buffer = written.mutableSpan
            record.write(to: &buffer)
            #expect(written[0] == number)
            let read = TransactionRecord(written.span).flags
            #expect(kinds.allSatisfy { read.contains($0.0) == ($0.1 == number) })
        }
    }

    @Test func state() {
        let parts: [[UInt8]] = [
            Self.bytes(16, 0x10), [0x00, 0x00, 0x69, 0x55, 0xB9, 0x00], [0xFE], [0x00, 0x00, 0x69, 0x55, 0xB9, 0x3C],
            Self.bytes(16, 0x30), Self.bytes(16, 0x50), Self.bytes(16, 0x70), [0x00, 0x01, 0x02, 0x03, 0x04, 0x05],
            [0xD1, 0xD2, 0xD3, 0xD4], Self.bytes(16, 0x90), Self.bytes(16, 0xB0),
        ]
        let stored = parts.flatMap { $0 }
        #expect(stored.count == 119 && StateRecord.size == 119)
        let record = StateRecord(stored.span)
        #expect((0..<16).map { record.anchor.sha256[$0] } == parts[0])
        #expect(record.floor == 1_767_225_600 && record.failures == 254 && record.nextTry == 1_767_225_660)
        #expect((0..<16).map { record.spentIn[$0] } == parts[4] && (0..<16).map { record.spent[$0] } == parts[5])
        #expect((0..<16).map { record.anchor.sha512[$0] } == parts[6])
        #expect(record.issuedAt == 0x01_0203_0405 && record.configuration == 0xD1D2_D3D4)
        #expect((0..<16).map { record.formerAnchor.sha256[$0] } == parts[9])
        #expect((0..<16).map { record.formerAnchor.sha512[$0] } == parts[10])
        var written = [UInt8](repeating: 0xEE, count: 119)
        var buffer = written.mutableSpan
        record.write(to: &buffer)
        #expect(written == stored)
    }

    /// A digest of the identifier and the password, by openssl: the password itself is nowhere.
    @Test func spentPassword() throws {
        var record = StateRecord()
        let identifier = Self.bytes(16, 1)
        var place = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<16 { place[index] = identifier[index] }
        let (password, other) = (Array("4711-secret".utf8), Array("4711-secres".utf8))
        record.spend(password.span, in: place)
        let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: identifier + password)
        #expect((0..<16).map { record.spent[$0] } == Array(digest.prefix(16)))
        #expect(record.hasSpent(password.span) && !record.hasSpent(other.span))
        #expect(record.isSpent(in: place))
        place[15] ^= 1
        #expect(!record.isSpent(in: place))
    }

    /// Docs/Lifecycle.md: five useless answers, or fifty to what the CA has left pending; counted up to 255.
    @Test func uselessAnswersAreCounted() {
        var record = TransactionRecord()
        for count in 1...300 {
            record.countUselessAnswer()
            let (tries, isUseless) = (record.tries, record.isUseless)
            #expect(tries == UInt8(min(count, 255)))
            #expect(isUseless == (count >= 5), "\(count)")
            record.flags.insert(.pending)
            let isPendingUseless = record.isUseless
            #expect(isPendingUseless == (count >= 50), "\(count)")
            record.flags = TransactionFlags()
        }
    }
}
