import DER
import TestSupport
import Testing

/// What `body` makes of a reader of `bytes`, which stand in a larger buffer whose other bytes must not count.
func reading<Value>(_ bytes: [UInt8], _ body: (inout DERReader) throws -> Value) throws -> Value {
    let buffer = [0x30, 0x80] + bytes + [0x02, 0x01, 0x05]
    do {
        var reader = DERReader(buffer.span, in: 2..<(2 + bytes.count))
        return try body(&reader)
    } catch let error as DERError {
        throw DERError(error.kind, at: error.offset - 2)
    }
}

@Suite struct DERReaderTests {
    /// Reads every element, down into the constructed ones, and gives identifiers and contents back as they come.
    private func walk(_ start: DERReader) throws(DERError) -> [UInt8] {
        var reader = start
        var found: [UInt8] = []
        while !reader.isAtEnd {
            let element = try reader.read()
            found.append(element.tag.rawValue)
            if element.tag.isConstructed {
                found += try walk(element.reader)
            } else {
                found += element.contents.array
            }
        }
        try reader.finish()
        return found
    }

    @Test(arguments: [
        ("", ""),
        ("0500", "05"),
        ("3003 020105", "30 0205"),
        ("3000 A005 3103 0C0141", "30 A0 31 0C41"),
        ("0481 80" + String(repeating: "AA", count: 128), "04" + String(repeating: "AA", count: 128)),
        ("048201 00" + String(repeating: "AA", count: 256), "04" + String(repeating: "AA", count: 256)),
    ])
    func elementsAreRead(der: String, found: String) throws {
        #expect(try reading([UInt8](hex: der)) { try walk($0) } == [UInt8](hex: found))
    }

    @Test(
        arguments: [
            ("30", .truncated, 0),
            ("3001", .truncated, 0),
            ("0481", .truncated, 0),
            ("048280", .truncated, 0),
            ("0482 0100 AA", .truncated, 0),
            ("0500 02", .truncated, 2),
            // Elements that reach beyond the one around them, where bytes follow.
            ("3003 020205 05", .truncated, 2),
            ("3002 3001 05", .truncated, 2),
            ("0403 AABB", .truncated, 0),
            ("1F8100 00", .highTagNumber, 0),
            ("3003 3F1F00", .highTagNumber, 2),
            ("3080 0000", .lengthNotMinimal, 0),
            ("0480 0000", .lengthNotMinimal, 0),
            ("3004 3080 0000", .lengthNotMinimal, 2),
            ("0481 01 AA", .lengthNotMinimal, 0),
            ("0481 7F" + String(repeating: "AA", count: 127), .lengthNotMinimal, 0),
            ("048200 80" + String(repeating: "AA", count: 128), .lengthNotMinimal, 0),
            ("0500 048200 01 AA", .lengthNotMinimal, 2),
            ("04FF" + String(repeating: "00", count: 126) + "01 AA", .lengthNotMinimal, 0),
            ("0483 010000", .truncated, 0),
            ("0483 FFFF00", .truncated, 0),
            ("0484 01000000", .lengthTooLarge, 0),
            ("0488 FFFFFFFFFFFFFFFF", .lengthTooLarge, 0),
            ("0484 80000000", .lengthTooLarge, 0),
            ("04FF" + String(repeating: "FF", count: 127), .lengthTooLarge, 0),
            ("0200", .invalidInteger, 0),
            ("3004 02020005", .invalidInteger, 2),
            ("0500 0203 007FFF", .invalidInteger, 2),
            ("0202 FF80", .invalidInteger, 0),
            ("0501 00", .trailingBytes, 0),
            ("3005 0500 0501 05", .trailingBytes, 4),
        ] as [(String, DERError.Kind, Int)])
    func isRefused(der: String, kind: DERError.Kind, offset: Int) {
        #expect(throws: DERError(kind, at: offset)) { try reading([UInt8](hex: der)) { try walk($0) } }
    }

    /// Headers that would go on behind the end, with what makes another error of them there.
    @Test(arguments: [
        ("", "1F80"), ("", "3080"), ("30", "80"), ("1F", "80"), ("0484", "FFFFFFFF"), ("04", "84FFFFFFFF"),
        ("0484FF", "FFFFFF"),
    ])
    func whatIsBehindTheEndIsNotRead(der: String, behind: String) {
        let buffer = [UInt8](hex: "0500" + der + behind)
        #expect(throws: DERError(.truncated, at: 2)) {
            var reader = DERReader(buffer.span, in: 2..<(2 + der.count / 2))
            _ = try reader.read().start
        }
    }

    @Test func wholeBuffersAreRead() throws {
        let buffer = [UInt8](hex: "020105 0500")
        var reader = DERReader(buffer.span)
        #expect(try reader.read(.integer).range == 0..<3)
        #expect(try reader.read(.null).range == 3..<5)
        try reader.finish()
    }

    @Test func largestLengthIsRead() throws {
        let bytes = [UInt8](repeating: 7, count: 0xFFFF).tagged(0x04)
        #expect(try reading(bytes) { reader in try reader.read().content.count } == 0xFFFF)
    }

    @Test func dueTagsAreChecked() throws {
        let bytes = [UInt8](hex: "3003 020105")
        #expect(throws: DERError(.unexpectedTag, at: 0)) {
            try reading(bytes) { reader in try reader.read(.set).start }
        }
        #expect(throws: DERError(.unexpectedTag, at: 2)) {
            try reading(bytes) { reader in
                var content = try reader.enter()
                _ = try content.enter()
            }
        }
        #expect(throws: DERError(.truncated, at: 5)) {
            try reading(bytes) { reader in
                var content = try reader.enter()
                _ = try content.read(.integer)
                _ = try content.read(.integer)
            }
        }
        #expect(throws: DERError(.trailingBytes, at: 2)) {
            try reading(bytes) { reader in
                let content = try reader.enter()
                try content.finish()
            }
        }
        try reading(bytes) { reader in
            var content = try reader.enter()
            #expect(try content.readIfPresent(.null) == nil)
            #expect(content.nextTag == .integer)
            #expect(try content.readIfPresent(.integer)?.range == 4..<7)
            #expect(try content.readIfPresent(.integer) == nil)
            #expect(content.nextTag == nil)
            try content.finish()
            try reader.finish()
        }
    }

    /// What a failed read leaves: the reader stands where it stood, and fails there again.
    @Test func failedReadDoesNotMove() throws {
        try reading([UInt8](hex: "0500 0402")) { reader in
            _ = try reader.read()
            for _ in 0..<2 {
                #expect(throws: DERError(.truncated, at: 4)) { _ = try reader.read().start }
                #expect(reader.position == 4)
            }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func damagedElementsDoNotTrap(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var bytes = Element.random(levels: 3, &random).der
            guard !bytes.isEmpty, bytes.count < 1000 else { continue }
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            for count in [bytes.count, Int(random.next() % UInt64(bytes.count))] {
                let part = Array(bytes.prefix(count))
                let found = try? reading(part) { try walk($0) }
                // Strict DER is BER that normalising does not change. (A reader does not know strings in pieces.)
                if found != nil, let der = Element.reference(ber: part), !part.contains(0x24) { #expect(der == part) }
            }
        }
    }
}

@Suite struct DERElementTests {
    private func error<Value>(_ hex: String, _ body: (DERElement) throws -> Value) -> DERError? {
        do {
            _ = try reading([0x05, 0x00] + [UInt8](hex: hex)) { reader in
                _ = try reader.read()
                return try body(try reader.read())
            }
            return nil
        } catch {
            return error as? DERError
        }
    }

    @Test(arguments: [
        ("020100", ""), ("020101", "01"), ("02017F", "7F"), ("02020080", "80"), ("0202 0100", "0100"),
        ("0205 00FFFFFFFF", "FFFFFFFF"), ("0209 00 8000000000000000", "8000000000000000"),
    ])
    func unsignedIntegersAreRead(der: String, magnitude: String) throws {
        #expect(
            try reading([UInt8](hex: der)) { reader in
                try reader.read().unsignedInteger().array
            } == [UInt8](hex: magnitude))
    }

    @Test(arguments: [
        ("00", "00"), ("7F", "7F"), ("80", "80"), ("0080", "80"), ("007F", "007F"), ("0000", "0000"),
        ("000080", "000080"),
        ("00FF01", "FF01"), ("0100", "0100"), ("", ""),
    ])
    func onlyTheZeroOctetOfASignIsLeftOut(contents: String, shown: String) {
        let bytes = [UInt8](hex: contents)
        #expect(withoutSignOctet(bytes.span).array == [UInt8](hex: shown))
    }

    @Test(arguments: ["0200", "020180", "0202FFFF", "02020000", "02020001", "0202007F", "0203000080"])
    func unsignedIntegersAreRefused(der: String) {
        #expect(
            error(der) { element in try element.unsignedInteger().count }
                == DERError(.invalidInteger, at: 2))
    }

    @Test(
        arguments: [
            ("020100", 0, 0), ("020105", 5, 5), ("020106", 5, nil), ("0201FF", 5, nil), ("0202 0100", 256, 256),
            ("0202 0100", 255, nil), ("0203 7FFFFF", 0xFF_FFFF, 0x7F_FFFF), ("0204 00FFFFFF", 0xFF_FFFF, 0xFF_FFFF),
            ("0204 01000000", 0xFF_FFFF, nil), ("0209 010000000000000000", 5, nil), ("0200", 5, nil),
            ("02020005", 5, nil),
        ] as [(String, Int, Int?)])
    func smallIntegers(der: String, greatest: Int, value: Int?) throws {
        if let value {
            #expect(
                try reading([UInt8](hex: der)) { reader in
                    try reader.read().smallInteger(atMost: greatest)
                } == value)
        } else {
            #expect(
                error(der) { element in try element.smallInteger(atMost: greatest) }
                    == DERError(.invalidInteger, at: 2))
        }
    }

    @Test func booleans() throws {
        // Whatever is not 00 is true: old writers of certificates have 01.
        let values = try reading([UInt8](hex: "010100 0101FF 010101 010180")) { reader in
            [
                try reader.read().boolean(), try reader.read().boolean(), try reader.read().boolean(),
                try reader.read().boolean(),
            ]
        }
        #expect(values == [false, true, true, true])
        for der in ["0100", "0102FFFF"] {
            #expect(
                error(der) { element in try element.boolean() }
                    == DERError(.invalidBoolean, at: 2))
        }
    }

    @Test func bitStringBytes() throws {
        let values = try reading([UInt8](hex: "030100 030300AABB")) { reader in
            [try reader.read().bitStringBytes().array, try reader.read().bitStringBytes().array]
        }
        #expect(values == [[], [0xAA, 0xBB]])
        for der in ["0300", "030101", "0302 0180", "0302 FF80"] {
            #expect(
                error(der) { element in try element.bitStringBytes().count }
                    == DERError(.invalidBitString, at: 2))
        }
    }

    @Test(
        arguments: [
            ("030100", 0), ("0302 0780", 0x8000), ("0302 05A0", 0xA000), ("0302 0001", 0x0100), ("0303 07FF80", 0xFF80),
            ("0304 00FFFF01", 0xFFFF), ("0304 04800080", nil), ("0300", nil), ("030107", nil), ("0302 0880", nil),
            ("0302 FF80", nil), ("0302 07C0", nil), ("0302 05FF", nil),
        ] as [(String, UInt16?)])
    func namedBits(der: String, bits: UInt16?) throws {
        if let bits {
            #expect(
                try reading([UInt8](hex: der)) { reader in try reader.read().namedBits() } == bits)
        } else if der.hasPrefix("0304") {
            // Trailing bits that are in use count for nothing here.
            #expect(error(der) { element in try element.namedBits() } == nil)
        } else {
            #expect(
                error(der) { element in try element.namedBits() }
                    == DERError(.invalidBitString, at: 2))
        }
    }

    @Test func identifiersAreCompared() throws {
        let signedData = ObjectIdentifier("1.2.840.113549.1.7.2")
        for (der, isSame) in [
            ("06092A864886F70D010702", true), ("06092A864886F70D010703", false), ("06082A864886F70D0107", false),
            ("060A2A864886F70D01070200", false), ("0600", false), ("04092A864886F70D010702", false),
            ("0640" + String(repeating: "81", count: 64), false),
        ] {
            #expect(
                try reading([UInt8](hex: der)) { reader in
                    try reader.read().isIdentifier(signedData)
                } == isSame, "\(der)")
        }
    }
}
