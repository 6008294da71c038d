import COpenSSL
import DER
import Foundation
import PKIX
import Testing

/// Numbers, identifiers, times, lengths: what is written here OpenSSL writes alike, what is read here it reads alike.
@Suite struct PrimitiveTests {
    private static let rounds = Trial.count

    @Test func `integers`() throws {
        var generator = Trial.generator("integers")
        for _ in 0..<Self.rounds {
            let magnitude = generator.bytes(0...40)
            let number = BN_bin2bn(magnitude, Int32(magnitude.count), nil)
            defer { BN_free(number) }
            let integer = BN_to_ASN1_INTEGER(number, nil)
            defer { ASN1_INTEGER_free(integer) }
            let encoding = try OpenSSLReader.encoded { i2d_ASN1_INTEGER(integer, $0) }
            #expect(
                try written { writer throws(DERError) in try writer.write(unsignedInteger: magnitude.span) } == encoding
            )

            let content = generator.bytes(0...5)
            let der = [0x02, UInt8(content.count)] + content
            let theirs = OpenSSLReader.checked {
                let integer = try OpenSSLReader.read(der, free: { ASN1_INTEGER_free($0) }) {
                    d2i_ASN1_INTEGER(nil, $0, $1)
                }
                defer { ASN1_INTEGER_free(integer) }
                var value: Int64 = 0
                guard ASN1_INTEGER_get_int64(&value, integer) == 1, value >= 0 else { throw OpenSSLReader.Refusal() }
                return "\(value)"
            }
            let ours = CoreReader.checked { () throws(DERError) in
                var reader = DERReader(der.span)
                let magnitude = try reader.read(.integer).unsignedInteger()
                var value: Int64 = 0
                for index in magnitude.indices { value = value << 8 | Int64(magnitude[index]) }
                return "\(value)"
            }
            #expect(isSame(ours, theirs), "\(hex(der)): we \(ours), OpenSSL \(theirs)")
        }
    }

    @Test func `object identifiers`() throws {
        var generator = Trial.generator("object identifiers")
        for _ in 0..<Self.rounds {
            let first = Int.random(in: 0...2, using: &generator)
            var arcs = [first, Int.random(in: 0...(first == 2 ? 1000 : 39), using: &generator)]
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                arcs.append(Int.random(in: 0..<(1 << Int.random(in: 1...28, using: &generator)), using: &generator))
            }
            let text = arcs.map(String.init).joined(separator: ".")
            var content = [UInt8](repeating: 0, count: 64)
            let count = a2d_ASN1_OBJECT(&content, 64, text, -1)
            content = Array(content.prefix(Int(count)))
            let element = Array(text.utf8)
            #expect(
                try written { writer throws(DERError) in try writer.write(identifierText: element.span) }
                    == [0x06, UInt8(count)] + content, "\(text)")
            #expect(ourText(content) == text)

            // Whether it is right or not.
            content = generator.bytes(0...6)
            let der = [0x06, UInt8(content.count)] + content
            let theirs = OpenSSLReader.checked {
                let object = try OpenSSLReader.read(der, free: { ASN1_OBJECT_free($0) }) {
                    d2i_ASN1_OBJECT(nil, $0, $1)
                }
                defer { ASN1_OBJECT_free(object) }
                var text = [CChar](repeating: 0, count: 128)
                let count = OBJ_obj2txt(&text, 128, object, 1)
                return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            let ours = ourText(content)
            guard case .accepted(let text) = theirs else { continue }
            let isLarge = text.split(separator: ".").contains { (Int($0) ?? .max) >= 1 << 28 }
            #expect(isLarge || ours == text, "\(hex(der)): we \(ours), OpenSSL \(text)")
        }
    }

    /// Texts that are times, or nearly: what is read is read alike, and what OpenSSL reads alone is not as RFC 5280,
    /// 4.1.2.5 has it.
    @Test func `times`() throws {
        var generator = Trial.generator("times")
        for _ in 0..<Self.rounds {
            var element = Element.time(using: &generator)
            if Bool.random(using: &generator) {
                let digits = Array("0123456789Z+-. ".utf8)
                for _ in 0..<Int.random(in: 1...2, using: &generator) {
                    element.bytes[Int.random(in: element.bytes.indices, using: &generator)] =
                        digits.randomElement(using: &generator) ?? 0
                }
                if Int.random(in: 0..<6, using: &generator) == 0 { element.bytes.removeLast() }
                if Int.random(in: 0..<6, using: &generator) == 0 { element.tag ^= 0x0F }
            }
            let der = element.encoding
            let theirs = OpenSSLReader.checked {
                let time = try OpenSSLReader.read(der, free: { ASN1_TIME_free($0) }) { d2i_ASN1_TIME(nil, $0, $1) }
                defer { ASN1_TIME_free(time) }
                return try OpenSSLReader.time(time)
            }
            let ours = CoreReader.checked { () throws(DERError) in
                var reader = DERReader(der.span)
                return "\(try readTime(&reader))"
            }
            let isInForm =
                element.bytes.count == (element.tag == 0x17 ? 13 : 15)
                && element.bytes.dropLast().allSatisfy { 0x30...0x39 ~= $0 } && element.bytes.last == 0x5A
            #expect(
                isSame(ours, theirs) || !ours.isAccepted && !isInForm,
                "\(String(decoding: element.bytes, as: UTF8.self)): we \(ours), OpenSSL \(theirs)")
        }
    }

    @Test func `headers`() throws {
        var generator = Trial.generator("headers")
        for _ in 0..<Self.rounds {
            var der = generator.bytes(1...6)
            if der.count > 1, Bool.random(using: &generator) {
                der[1] = UInt8.random(in: 0x80...0x83, using: &generator)
            }
            der += [UInt8](repeating: 0, count: Int.random(in: 0...300, using: &generator))
            let ours = CoreReader.checked { () throws(DERError) in
                var reader = DERReader(der.span)
                let element = try reader.read()
                return "\(element.tag.rawValue), \(element.content)"
            }
            let theirs = OpenSSLReader.checked {
                try der.withUnsafeBufferPointer { buffer in
                    var cursor = buffer.baseAddress
                    var (count, tag, classOf): (Int, Int32, Int32) = (0, 0, 0)
                    let flags = ASN1_get_object(&cursor, &count, &tag, &classOf, buffer.count)
                    guard flags & 0x80 == 0, let cursor, let start = buffer.baseAddress else {
                        throw OpenSSLReader.Refusal()
                    }
                    let content = cursor - start
                    return "\(UInt8(classOf | flags & 0x20 | tag & 0x1F)), \(content..<(content + count))"
                }
            }
            #expect(!ours.isAccepted || ours == theirs, "\(hex(der)): we \(ours), OpenSSL \(theirs)")
        }
    }

    /// What BER says is the same as what it was made of.
    @Test func `BER becomes DER`() throws {
        var generator = Trial.generator("BER")
        for _ in 0..<Self.rounds / 10 {
            let kind = [Sample.Kind.certificate, .revocationList].randomElement(using: &generator) ?? .certificate
            let root = try Samples.shared.get().make(kind, using: &generator).root
            let ber = root.inBER(&generator).encoding
            var buffer = ber
            let range: Range<Int>
            do {
                var bytes = buffer.mutableSpan
                range = try BER.normalize(&bytes, in: 0..<ber.count)
            }
            #expect(Array(buffer[range]) == root.der, "\(hex(ber))")
        }
    }

    private func ourText(_ content: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: 128)
        let count: Int
        do {
            var buffer = text.mutableSpan
            count = identifierText(content.span, into: &buffer)
        }
        return String(decoding: text.prefix(count), as: UTF8.self)
    }

    /// Whether both accepted the same, or both refused.
    private func isSame(_ ours: Verdict, _ theirs: Verdict) -> Bool {
        ours == theirs || !ours.isAccepted && !theirs.isAccepted
    }
}

/// What `body` writes.
func written(
    capacity: Int = 8192, _ body: (inout DERWriter) throws(DERError) -> Void
) throws(DERError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: capacity)
    let front: Int
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: capacity)
        try body(&writer)
        front = writer.front
    }
    return Array(buffer[front...])
}

extension RandomNumberGenerator {
    mutating func bytes(_ counts: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: counts, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}
