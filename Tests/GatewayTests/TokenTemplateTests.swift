import CPKCS11
import Testing

@testable import Gateway

/// What a module gets of a template (PKCS #11, 4.4): values where any type of C may stand, and nothing around them.
@Suite struct TokenTemplateTests {
    @Test func attributesAreWhatWasAdded() {
        var template = TokenTemplate()
        template.add(CKA_TOKEN, true)
        template.add(CKA_LABEL, Array("label".utf8))
        template.add(CKA_MODULUS_BITS, CK_ULONG(0x0102_0304))
        template.add(CKA_PRIVATE, false)
        template.add(CKA_ID, [UInt8](repeating: 7, count: 16))
        template.add(CKA_CLASS, CK_ULONG.max - 1)
        template.add(CKA_SUBJECT, [])
        template.add(CKA_SIGN, true)
        template.withAttributes { attributes, count in
            let all = Array(UnsafeBufferPointer(start: attributes, count: Int(count)))
            let types: [UInt] = [
                CKA_TOKEN, CKA_LABEL, CKA_MODULUS_BITS, CKA_PRIVATE, CKA_ID, CKA_CLASS, CKA_SUBJECT, CKA_SIGN,
            ].map { UInt($0) }
            #expect(all.map { UInt($0.type) } == types)
            let values = all.map { [UInt8](UnsafeRawBufferPointer(start: $0.pValue, count: Int($0.ulValueLen))) }
            #expect(values[0] == [1] && values[1] == Array("label".utf8) && values[3] == [0] && values[7] == [1])
            #expect(values[4] == [UInt8](repeating: 7, count: 16) && values[6].isEmpty)
            for (index, number) in [(2, 0x0102_0304), (5, CK_ULONG.max - 1)] as [(Int, CK_ULONG)] {
                #expect(values[index].count == MemoryLayout<CK_ULONG>.size)
                #expect(all[index].pValue.load(as: CK_ULONG.self) == number)
            }
            for attribute in all {
                #expect(UInt(bitPattern: attribute.pValue) % UInt(MemoryLayout<CK_ULONG>.alignment) == 0)
            }
        }
    }
}
