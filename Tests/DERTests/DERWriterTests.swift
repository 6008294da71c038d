import DER
import TestSupport
import Testing

/// What `body` writes into the last `capacity` bytes before some that it must not touch.
func writing(capacity: Int = 4096, _ body: (inout DERWriter) throws -> Void) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0xA5, count: capacity + 4)
    let outcome: Result<Int, any Error>
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: capacity)
        do {
            try body(&writer)
            outcome = .success(writer.front)
        } catch {
            outcome = .failure(error)
        }
    }
    #expect(Array(buffer.suffix(4)) == [0xA5, 0xA5, 0xA5, 0xA5])
    let front = try outcome.get()
    #expect(buffer[..<front].allSatisfy { $0 == 0xA5 })
    return Array(buffer[front..<capacity])
}

/// The DER that `openssl asn1parse` makes of a description in its own notation.
func generated(_ description: String) throws -> [UInt8] {
    try OpenSSL.run(["asn1parse", "-genstr", description, "-noout", "-out", "/dev/stdout"])
}

@Suite struct DERWriterTests {
    @Test(arguments: [0, 1, 127, 128, 255, 256, 0x7FFF, 0x8000, 0x0102_0304, 0xFFFF_FFFF] as [UInt32])
    func integers(value: UInt32) throws {
        let der = try writing { writer in try writer.write(integer: value) }
        #expect(try der == generated("INTEGER:\(value)"))
    }

    @Test(arguments: ["", "00", "0000", "01", "0001", "80", "0080", "FF00", "00FFFFFFFFFFFFFFFFFF"])
    func magnitudes(hex: String) throws {
        let magnitude = [UInt8](hex: hex)
        let der = try writing { writer in try writer.write(unsignedInteger: magnitude.span) }
        #expect(try der == generated("INTEGER:0x0\(hex)"))
    }

    @Test func smallValues() throws {
        let der = try writing { writer in
            try writer.writeNull()
            try writer.write(boolean: true)
            try writer.write(boolean: false)
        }
        #expect(try der == generated("BOOL:FALSE") + generated("BOOL:TRUE") + generated("NULL"))
    }

    @Test(arguments: [[], [0], [7], [8], [0, 2], [5, 6], [0, 8], [1, 15], [15], Array(0..<16), Array(0..<8)])
    func namedBits(positions: [Int]) throws {
        let bits = positions.reduce(UInt16(0)) { $0 | 0x8000 >> UInt16($1) }
        let der = try writing { writer in try writer.write(namedBits: bits) }
        let list = positions.map(String.init).joined(separator: ",")
        #expect(try der == (positions.isEmpty ? [3, 1, 0] : generated("FORMAT:BITLIST,BITSTRING:\(list)")))
        #expect(
            try reading(der) { reader in try reader.read(.bitString).namedBits() } == bits)
    }

    @Test(arguments: [0, 1, 127, 128, 255, 256, 65535])
    func lengths(count: Int) throws {
        let content = [UInt8](repeating: 0x61, count: count)
        let der = try writing(capacity: 70000) { writer in try writer.write(.octetString, content.span) }
        #expect(der == content.tagged(0x04))
        let text = String(decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: der), as: UTF8.self)
        #expect(text.hasPrefix("    0:d=0  hl=\(der.count - count) l="))
    }

    @Test func lengthsFrom64KiBAreRefused() {
        let content = [UInt8](repeating: 0x61, count: 65536)
        #expect(throws: DERError(.lengthTooLarge, at: 70000 - 65536)) {
            try writing(capacity: 70000) { writer in try writer.write(.octetString, content.span) }
        }
    }

    /// However small the space, what does not fit is refused, and nothing outside is written.
    @Test func fullBuffers() throws {
        func message(_ writer: inout DERWriter) throws {
            let end = writer.front
            try writer.write(integer: 70000)
            try writer.writeNull()
            try writer.write(boolean: true)
            try writer.write(ObjectIdentifier("1.2.840.113549.1.7.2"))
            let bits = writer.front
            try writer.write(bytes: [1, 2, 3].span)
            try writer.wrapBitString(from: bits)
            try writer.write(namedBits: 0x8001)
            let filler = [UInt8](repeating: 7, count: 200)
            try writer.write(.octetString, filler.span)
            var buffer = try writer.reserve(2)
            buffer.update(repeating: 0)
            try writer.wrapSetOf(from: end)
        }
        let whole = try writing { try message(&$0) }
        #expect(try writing(capacity: whole.count) { try message(&$0) } == whole)
        for capacity in 0..<whole.count {
            #expect {
                try writing(capacity: capacity) { try message(&$0) }
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull && ($0 as? DERError)?.offset ?? capacity + 1 <= capacity
            }
        }
        #expect(throws: DERError(.bufferFull, at: 5)) {
            try writing(capacity: 5) { writer in _ = try writer.reserve(6).count }
        }
    }

    /// What fills the space to its first byte is written, and one byte more is not.
    @Test func spaceIsUsedToItsEnd() throws {
        let text = [UInt8](hex: "616263")
        #expect(try writing(capacity: 3) { writer in try writer.write(bytes: text.span) } == text)
        #expect(throws: DERError(.bufferFull, at: 2)) {
            try writing(capacity: 2) { writer in try writer.write(bytes: text.span) }
        }
        let reserved = try writing(capacity: 3) { writer in
            var buffer = try writer.reserve(3)
            #expect(buffer.count == 3)
            buffer.update(repeating: 0x77)
        }
        #expect(reserved == [0x77, 0x77, 0x77])
        let copied = try writing(capacity: 5) { writer in
            try writer.write(bytes: text.span)
            try writer.write(copyOf: 3, count: 2)
        }
        #expect(copied == [UInt8](hex: "6263 616263"))
        #expect(throws: DERError(.bufferFull, at: 1)) {
            try writing(capacity: 4) { writer in
                try writer.write(bytes: text.span)
                try writer.write(copyOf: 2, count: 2)
            }
        }
    }

    @Test(arguments: [(0, 0), (3, 0), (3, 1), (3, 2), (3, 3), (9, 4), (9, 8)])
    func gapsAreClosed(capacity: Int, used: Int) throws {
        let filled = (0..<capacity).map { UInt8(0xC0 + $0) }
        var buffer = [UInt8](repeating: 0xA5, count: 32)
        var bytes = buffer.mutableSpan
        // To the first byte of the buffer.
        var writer = DERWriter(&bytes, end: capacity + 2)
        try writer.writeNull()
        try writer.write(bytes: filled.span)
        writer.closeGap(capacity: capacity, used: used)
        #expect(writer.front == capacity - used && writer.written.array == filled.prefix(used) + [5, 0])
        #expect(writer.written(capacity..<(capacity + 2)).array == [5, 0])
    }

    @Test(arguments: ["", "01", "010203"]) func bitStringsOfBytes(hex: String) throws {
        let content = [UInt8](hex: hex)
        let der = try writing { writer in
            let end = writer.front
            try writer.write(bytes: content.span)
            try writer.wrapBitString(from: end)
        }
        #expect(try der == (hex.isEmpty ? [3, 1, 0] : generated("FORMAT:HEX,BITSTRING:\(hex)")))
    }

    /// A SET OF comes out sorted, whatever the order it was written in (X.690, 11.6).
    @Test func setsAreSorted() throws {
        let set = try writing(capacity: 32) { writer in
            let end = writer.front
            try writer.write(integer: 5)
            try writer.write(boolean: true)
            try writer.write(integer: 300)
            try writer.wrapSetOf(from: end)
        }
        #expect(set == [0x31, 10, 0x01, 1, 0xFF, 0x02, 1, 5, 0x02, 2, 1, 0x2C])
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func anySetIsSorted(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var elements: [[UInt8]] = []
        for _ in 0..<(random.next() % 8) {
            let tag: UInt8 = random.oneIn(2) ? 0x04 : 0x30
            elements.append(random.bytes(Int(random.next() % 4)).map { $0 & 1 }.tagged(tag))
            if random.oneIn(4) { elements.append(elements[0]) }
        }
        let set = try writing { writer in
            let end = writer.front
            for element in elements { try writer.write(bytes: element.span) }
            try writer.wrapSetOf(.contextConstructed(0), from: end)
        }
        #expect(set == elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }.tagged(0xA0))
    }

    @Test(arguments: [(0, 0), (0, 3), (3, 0), (1, 1), (5, 2), (2, 5), (300, 7)])
    func moveBehind(moved: Int, count: Int) throws {
        let first = (0..<moved).map { UInt8(truncatingIfNeeded: $0) }
        let second = (0..<count).map { UInt8(truncatingIfNeeded: 0xC0 + $0) }
        let bytes = try writing { writer in
            try writer.writeNull()
            try writer.write(bytes: second.span)
            let end = writer.front
            try writer.write(bytes: first.span)
            writer.moveBehind(end, count: count)
        }
        #expect(bytes == second + first + [5, 0])
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func treesAreWritten(seed: UInt64) throws {
        func write(_ element: Element, _ writer: inout DERWriter) throws {
            switch element {
            case .primitive(let tag, let content): try writer.write(Tag(rawValue: tag), content.span)
            case .constructed(let tag, let elements):
                let end = writer.front
                for element in elements.reversed() { try write(element, &writer) }
                try writer.wrap(Tag(rawValue: tag), from: end)
            }
        }
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let tree = Element.random(levels: 4, &random)
            guard tree.der.count < 0x10000 else { continue }
            #expect(try writing(capacity: 0x10000) { writer in try write(tree, &writer) } == tree.der)
        }
    }
}
