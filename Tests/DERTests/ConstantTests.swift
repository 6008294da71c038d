import Bytes
import DER
import Testing

/// What is a number somewhere else: in a standard, or in the logs of devices.
@Suite struct ConstantTests {
    /// X.680, 8.4, table 1; identifier octets: X.690, 8.1.2.
    @Test func tags() {
        let universal: [DER.Tag] = [
            .boolean, .integer, .bitString, .octetString, .null, .objectIdentifier, .utf8String, .printableString,
            .ia5String, .utcTime, .generalizedTime, .universalString, .bmpString,
        ]
        #expect(universal.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 12, 19, 22, 23, 24, 28, 30])
        #expect(universal.allSatisfy { !$0.isConstructed })
        #expect([DER.Tag.sequence, .set].map(\.rawValue) == [0x20 + 16, 0x20 + 17])
        for number: UInt8 in 0..<31 {
            #expect(DER.Tag.context(number).rawValue == 0x80 + number && !DER.Tag.context(number).isConstructed)
            let constructed = DER.Tag.contextConstructed(number)
            #expect(constructed.rawValue == 0xA0 + number && constructed.isConstructed)
        }
    }

    @Test func numbersOfErrors() {
        let kinds: [DERError.Kind] = [
            .truncated, .unexpectedTag, .highTagNumber, .lengthNotMinimal, .lengthTooLarge, .trailingBytes,
            .invalidInteger, .invalidBoolean, .invalidBitString, .invalidObjectIdentifier, .tooDeep,
            .misplacedEndOfContents, .constructedString, .bufferFull,
        ]
        #expect(kinds.map(\.rawValue) == Array(1...14))
    }

    private struct Bits: BitSet {
        let rawValue: UInt16
    }

    /// Checked by the sets of Swift's library.
    @Test func bitSets() {
        struct Check: OptionSet { let rawValue: UInt16 }
        let values: [UInt16] = [0, 1, 2, 3, 6, 0x8000, 0xFFFF]
        #expect(Bits().rawValue == 0)
        for left in values {
            for right in values {
                let (bits, other) = (Bits(rawValue: left), Bits(rawValue: right))
                let (check, otherCheck) = (Check(rawValue: left), Check(rawValue: right))
                #expect(bits.contains(other) == check.isSuperset(of: otherCheck))
                #expect(bits.union(other).rawValue == check.union(otherCheck).rawValue)
                var (changed, expected) = (bits, check)
                changed.insert(other)
                expected.formUnion(otherCheck)
                #expect(changed.rawValue == expected.rawValue)
                (changed, expected) = (bits, check)
                changed.remove(other)
                expected.subtract(otherCheck)
                #expect(changed.rawValue == expected.rawValue)
            }
        }
    }
}
