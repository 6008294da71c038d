import DER
import TestSupport
import Testing

/// Normalises `ber` in the middle of a larger buffer, and checks that nothing around it was written.
func normalized(_ ber: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws(DERError) -> [UInt8] {
    let guarding = [UInt8](repeating: 0xA5, count: 16)
    var buffer = guarding + ber + guarding
    var outcome: Result<Range<Int>, DERError>
    do {
        var bytes = buffer.mutableSpan
        do throws(DERError) {
            outcome = .success(try BER.normalize(&bytes, in: 16..<(16 + ber.count)))
        } catch {
            outcome = .failure(DERError(error.kind, at: error.offset - 16))
        }
    }
    #expect(Array(buffer.prefix(16)) == guarding, sourceLocation: sourceLocation)
    #expect(Array(buffer.suffix(16)) == guarding, sourceLocation: sourceLocation)
    let range = try outcome.get()
    #expect(range.lowerBound == 16 && range.upperBound <= 16 + ber.count, sourceLocation: sourceLocation)
    return Array(buffer[range])
}

@Suite struct BERTests {
    @Test(
        arguments: [
            // Nothing to do.
            ("0500", "0500"),
            ("3000", "3000"),
            ("30 03 020105", "30 03 020105"),
            // Lengths that are longer than they need be.
            ("0481 01 AA", "0401 AA"),
            ("0484 00000001 AA", "0401 AA"),
            ("308200 03 020105", "3003 020105"),
            ("04FF" + String(repeating: "00", count: 126) + "01 AA", "0401 AA"),
            // Indefinite lengths, one in the other and beside each other.
            ("3080 0000", "3000"),
            ("3080 020105 0000", "3003 020105"),
            ("3080 3080 0000 A080 0500 0000 0000", "3006 3000 A002 0500"),
            ("3009 3080 0500 0000 020105", "3007 3002 0500 020105"),
            ("3080 3003 020105 0000", "3005 3003 020105"),
            // An end-of-contents inside a primitive is content.
            ("3080 0404 0000 0000 0000", "3006 0404 0000 0000"),
            // Octet strings in pieces.
            ("2400", "0400"),
            ("2480 0000", "0400"),
            ("2480 0401AA 0400 0402BBCC 0000", "0403 AABBCC"),
            ("2408 2480 0401AA 0000 0400", nil),
            ("240A 2480 0401AA 0000 0401BB", "0402 AABB"),
            ("2480 2480 2405 0401AA 0400 0000 0401BB 0000", "0402 AABB"),
            ("3080 2480 0401AA 0000 020105 0000", "3006 0401AA 020105"),
            // The pieces of an implicitly tagged string are known only to who knows its type: they stay.
            ("A080 0401AA 0401BB 0000", "A006 0401AA 0401BB"),
            ("A080 2480 0401AA 0401BB 0000 0000", "A004 0402AABB"),
        ] as [(String, String?)])
    func becomesDER(ber: String, der: String?) throws {
        #expect((try? normalized([UInt8](hex: ber)))?.hex == der.map { [UInt8](hex: $0).hex })
        #expect(Element.reference(ber: [UInt8](hex: ber))?.hex == der.map { [UInt8](hex: $0).hex })
    }

    @Test(
        arguments: [
            ("", .truncated, 0),
            ("30", .truncated, 0),
            ("3001", .truncated, 0),
            ("3081", .truncated, 0),
            ("308201", .truncated, 0),
            ("3080", .truncated, 2),
            ("3080 00", .truncated, 2),
            ("3080 0500", .truncated, 4),
            // The end-of-contents lies behind the element that encloses it.
            ("3004 3080 0500 0000", .truncated, 6),
            ("3005 3080 0500 00 00", .truncated, 6),
            ("3003 0202 0101", .truncated, 2),
            ("1F8100 00", .highTagNumber, 0),
            ("3080 BF1F00 0000", .highTagNumber, 2),
            ("0483 010000", .truncated, 0),
            ("0484 01000000", .lengthTooLarge, 0),
            ("3080 0487 00000001000000 0000", .lengthTooLarge, 2),
            ("0500 00", .trailingBytes, 2),
            ("3080 0000 0000", .trailingBytes, 4),
            ("0000", .misplacedEndOfContents, 0),
            ("3002 0000", .misplacedEndOfContents, 2),
            ("3080 000100", .misplacedEndOfContents, 2),
            ("3080 008100 0000", .misplacedEndOfContents, 2),
            ("0480 0401AA 0000", .misplacedEndOfContents, 0),
            ("3080 8080 0000 0000", .misplacedEndOfContents, 2),
            ("2380 0302 00AA 0000", .constructedString, 0),
            ("2C80 0C0141 0000", .constructedString, 0),
            ("3080 2200 0000", .constructedString, 2),
            ("2000", .constructedString, 0),
            ("2480 0201 05 0000", .constructedString, 2),
            ("2480 2480 0C0141 0000 0000", .constructedString, 4),
            ("2480 3000 0000", .constructedString, 2),
        ] as [(String, DERError.Kind, Int)])
    func isRefused(ber: String, kind: DERError.Kind, offset: Int) {
        #expect(throws: DERError(kind, at: offset)) { try normalized([UInt8](hex: ber)) }
        #expect(Element.reference(ber: [UInt8](hex: ber)) == nil)
    }

    @Test func depthIsCapped() throws {
        func nested(_ levels: Int, identifier: UInt8) -> [UInt8] {
            var bytes: [UInt8] = identifier == 0x24 ? [0x04, 0x00] : [0x05, 0x00]
            for _ in 0..<levels { bytes = [identifier, 0x80] + bytes + [0, 0] }
            return bytes
        }
        for identifier: UInt8 in [0x30, 0x24, 0xA3] {
            let deepest = nested(BER.maximumDepth, identifier: identifier)
            #expect(try normalized(deepest) == Element.reference(ber: deepest))
            #expect(throws: DERError(.tooDeep, at: 2 * BER.maximumDepth)) {
                try normalized(nested(BER.maximumDepth + 1, identifier: identifier))
            }
        }
        // Opened and never closed, as deep as the input goes.
        #expect(throws: DERError(.tooDeep, at: 2 * BER.maximumDepth)) {
            try normalized([UInt8](repeating: 0x30, count: 1000).flatMap { [$0, 0x80] })
        }
    }

    /// Strings in pieces become one of any size below 16 MiB.
    @Test(arguments: [(65535, true), (65536, true), (140_000, true), (1_100_000, true), (16_777_216, false)])
    func sizeIsCapped(size: Int, isAccepted: Bool) throws {
        var content: [UInt8] = []
        while content.count < size - 4 {
            let left = size - 4 - content.count
            let count = left > 2008 ? 1000 : left - 4
            content += [0x04, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + [UInt8](repeating: 7, count: count)
        }
        let ber = [0x24, 0x80] + content + [0, 0]
        #expect(ber.count == size)
        if isAccepted {
            #expect(try normalized(ber) == Element.reference(ber: ber))
        } else {
            #expect(throws: DERError(.lengthTooLarge, at: 0)) { try normalized(ber) }
        }
    }

    /// The largest element, which is in DER already.
    @Test func largestSizeIsRead() throws {
        let der = [UInt8](repeating: 7, count: 0xFF_FFFF - 5).tagged(0x04)
        #expect(der.count == 0xFF_FFFF)
        #expect(try normalized(der) == der)
    }

    /// No byte behind the input is looked at, and none need be there.
    @Test(arguments: ["", "30", "3080", "0400"]) func theBufferMayEnd(ber: String) {
        var buffer = [UInt8](hex: ber)
        let count = buffer.count
        let (whole, spare) = (Result { try normalized(buffer) }, ber == "0400")
        var bytes = buffer.mutableSpan
        let found: Range<Int>? = try? BER.normalize(&bytes, in: 0..<count, spare: 0)
        #expect((found != nil) == spare && ((try? whole.get()) != nil) == spare)
    }

    /// Offsets count in the input also where it was moved to make space.
    @Test(arguments: [0, 1, 24]) func offsetsOfWhatWasMoved(spare: Int) throws {
        let string = [UInt8](repeating: 7, count: 0x1_0000).tagged(0x04)
        var buffer = [0x05, 0x00, 0x30, 0x80] + string + [0x1F, 0x01, 0x00, 0x00] + [UInt8](repeating: 0, count: 24)
        let count = string.count + 6
        var bytes = buffer.mutableSpan
        var found: DERError?
        do throws(DERError) {
            _ = try BER.normalize(&bytes, in: 2..<(2 + count), spare: spare)
        } catch {
            found = error
        }
        #expect(found == DERError(.highTagNumber, at: 4 + string.count))
    }

    /// An indefinite length that covers 64 KiB takes one octet more in DER, for which there is space only where a piece's
    /// header was dropped: else it is refused, and nothing is written over what was not read yet.
    @Test(arguments: [(0xFFFF - 4, true), (0xFFFF - 3, false), (0x1_0000, false)])
    func indefiniteLengthsGrowIntoWhatIsSpare(size: Int, isAccepted: Bool) throws {
        let string = [UInt8](repeating: 7, count: size).tagged(0x04)
        let ber = [0x30, 0x80, 0x30, 0x80] + string + [0, 0, 0, 0]
        let der = string.tagged(0x30).tagged(0x30)
        if isAccepted {
            #expect(try normalized([0x30, 0x80] + string + [0, 0]) == string.tagged(0x30))
        } else {
            #expect(throws: DERError(.lengthTooLarge, at: 2)) { try normalized(ber) }
        }
        for spare in [1, 2, 24, 100] {
            var buffer = ber + [UInt8](repeating: 0xA5, count: 100)
            let outcome: Range<Int>?
            do {
                var bytes = buffer.mutableSpan
                outcome = try? BER.normalize(&bytes, in: 0..<ber.count, spare: spare)
            }
            #expect(outcome.map { Array(buffer[$0]) } == (spare > 1 || isAccepted ? der : nil), "\(spare)")
            #expect(buffer.suffix(100 - min(spare, 24)).allSatisfy { $0 == 0xA5 })
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func anyEncodingOfATreeBecomesItsDER(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let tree = Element.random(levels: 5, &random)
            let (der, ber) = (tree.der, tree.ber(&random))
            guard ber.count < 0x10000 else { continue }
            #expect(try normalized(ber) == der)
            #expect(try normalized(der) == der)
        }
    }

    /// Noise that is nearly BER: the reference and the one under test agree on what to refuse and on the rest.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func damagedEncodingsAreCheckedAsByTheReference(seed: UInt64) {
        var random = SeededGenerator(seed: 1000 + seed)
        var accepted = 0
        for _ in 0..<300 {
            var bytes = Element.random(levels: 3, &random).ber(&random)
            guard !bytes.isEmpty, bytes.count < 2000 else { continue }
            for _ in 0...(random.next() % 3) {
                let position = Int(random.next() % UInt64(bytes.count))
                let marks: [UInt8] = [0x00, 0x01, 0x02, 0x04, 0x24, 0x30, 0x80, 0x81, 0x82, 0xA0, 0xFF]
                switch random.next() % 4 {
                case 0: bytes[position] = marks[Int(random.next() % UInt64(marks.count))]
                case 1: bytes[position] ^= 1 << UInt8(random.next() % 8)
                case 2: bytes.insert(marks[Int(random.next() % UInt64(marks.count))], at: position)
                default: if bytes.count > 1 { bytes.remove(at: position) }
                }
            }
            let outcome = try? normalized(bytes)
            #expect(outcome == Element.reference(ber: bytes), "\(bytes.hex)")
            if outcome != nil { accepted += 1 }
        }
        #expect(accepted > 0)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func noiseIsCheckedAsByTheReference(seed: UInt64) {
        var random = SeededGenerator(seed: 2000 + seed)
        let marks: [UInt8] = [0x00, 0x00, 0x01, 0x02, 0x04, 0x24, 0x30, 0x80, 0x80, 0x81, 0xA0]
        for _ in 0..<2000 {
            let count = Int(random.next() % 40)
            var bytes = random.bytes(count)
            if random.oneIn(2) { bytes = bytes.map { marks[Int($0) % marks.count] } }
            #expect((try? normalized(bytes)) == Element.reference(ber: bytes), "\(bytes.hex)")
        }
    }

    @Test(arguments: [
        ("", ""),
        ("0400", ""),
        ("0401AA", "AA"),
        ("0401AA 0400 0402BBCC", "AABBCC"),
    ])
    func piecesAreJoined(pieces: String, octets: String) throws {
        #expect(try joined([UInt8](hex: pieces)) == [UInt8](hex: octets))
    }

    @Test(
        arguments: [
            ("04", .truncated, 0),
            ("0401AA 0402BB", .truncated, 3),
            ("0401AA 0500", .unexpectedTag, 3),
            ("0401AA 2400", .unexpectedTag, 3),
            ("0480 0000", .lengthNotMinimal, 0),
        ] as [(String, DERError.Kind, Int)])
    func piecesAreRefused(pieces: String, kind: DERError.Kind, offset: Int) {
        #expect(throws: DERError(kind, at: offset)) { try joined([UInt8](hex: pieces)) }
    }

    private func joined(_ pieces: [UInt8]) throws(DERError) -> [UInt8] {
        var buffer = [0xA5] + pieces + [0xA5]
        var outcome: Result<Range<Int>, DERError>
        do {
            var bytes = buffer.mutableSpan
            do throws(DERError) {
                outcome = .success(try BER.joinPieces(&bytes, in: 1..<(1 + pieces.count)))
            } catch {
                outcome = .failure(DERError(error.kind, at: error.offset - 1))
            }
        }
        #expect(buffer.first == 0xA5 && buffer.last == 0xA5)
        return try Array(buffer[outcome.get()])
    }
}
