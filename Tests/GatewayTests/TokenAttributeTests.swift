import CPKCS11
import DeviceCrypto
import Foundation
import Synchronization
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// SoftHSM, of whose objects some attributes are others: modules write one number in many ways.
private enum Told {
    typealias Ask =
        @convention(c) (CK_SESSION_HANDLE, CK_OBJECT_HANDLE, UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV

    struct State {
        var ask: Ask?
        /// By the object's class and the attribute's type; empty for one that there is none of.
        var values: [UInt: [UInt: [UInt8]]] = [:]
    }

    static let state = Mutex(State())

    static func whileLoaded(_ provider: KeyProvider, _ body: () throws -> Void) throws {
        let library = try #require(dlopen(SoftHSM.module, RTLD_NOW | RTLD_LOCAL))
        defer { dlclose(library) }
        let module = try #require(pkcs11_functions(library))
        state.withLock { $0 = State(ask: module.pointee.C_GetAttributeValue) }
        module.pointee.C_GetAttributeValue = { session, object, attribute, count in
            let state = Told.state.withLock { $0 }
            guard let ask = state.ask, let attribute else { return CK_RV(CKR_GENERAL_ERROR) }
            var kind = CK_ULONG(0)
            _ = withUnsafeMutableBytes(of: &kind) { bytes in
                var own = CK_ATTRIBUTE(
                    type: CK_ATTRIBUTE_TYPE(CKA_CLASS), pValue: bytes.baseAddress, ulValueLen: CK_ULONG(bytes.count))
                return ask(session, object, &own, 1)
            }
            guard let value = state.values[UInt(kind)]?[UInt(attribute.pointee.type)] else {
                return ask(session, object, attribute, count)
            }
            guard !value.isEmpty else { return CK_RV(CKR_ATTRIBUTE_TYPE_INVALID) }
            guard value.count <= Int(attribute.pointee.ulValueLen) else { return CK_RV(CKR_BUFFER_TOO_SMALL) }
            attribute.pointee.pValue?.copyMemory(from: value, byteCount: value.count)
            attribute.pointee.ulValueLen = CK_ULONG(value.count)
            return CK_RV(CKR_OK)
        }
        defer {
            provider.close()
            module.pointee.C_GetAttributeValue = state.withLock { $0.ask }
        }
        try body()
    }

    static func set(_ privateKey: [UInt: [UInt8]], _ publicKey: [UInt: [UInt8]] = [:]) {
        state.withLock { $0.values = [UInt(CKO_PRIVATE_KEY): privateKey, UInt(CKO_PUBLIC_KEY): publicKey] }
    }
}

extension KeyTests.TokenKeyTests {
    /// Runs `body` with what finds the one key of this label.
    private func withKey(_ algorithm: KeyAlgorithm, _ body: (TokenReference, () -> TokenReference?) throws -> Void)
        throws
    {
        try withToken { _, _, provider in
            try Told.whileLoaded(provider) {
                let made = self.reference(try generated(algorithm))
                let reference = try #require(made)
                func find() -> TokenReference? {
                    var found: TokenReference?
                    let failed = failure { found = try provider.openToken().find(label: reference.label) }
                    #expect(failed == (found == nil ? .token(.unsuitableKey) : nil))
                    return found
                }
                try body(reference, find)
            }
        }
    }

    /// PKCS #11, 2.1.2: a Big integer; some modules have zeros in front of it.
    @Test func theNumbersOfAnRSAKeyAreRead() throws {
        try withKey(.rsa(bits: 2048)) { reference, find in
            let modulus = reference.publicKey
            #expect(find()?.bytes == reference.bytes)
            for zeros in [1, 2, 7] {
                Told.set([UInt(CKA_MODULUS): [UInt8](repeating: 0, count: zeros) + modulus])
                #expect(find()?.bytes == reference.bytes)
            }
            for (exponent, value) in [
                ([3], 3), ([1, 0, 1], 65_537), ([0, 1, 0, 1], 65_537), ([0, 0, 0, 0, 1, 0, 1], 65_537),
                ([0x80, 0, 0, 1], 0x8000_0001), ([0xFF, 0xFE, 0xFD, 0xFB], 0xFFFE_FDFB), ([1, 0, 0, 0, 1], nil),
                ([0, 0, 0], nil),
            ] as [([UInt8], UInt32?)] {
                Told.set([UInt(CKA_PUBLIC_EXPONENT): exponent])
                let found = find()
                #expect(found?.publicExponent == value && found?.publicKey == value.map { _ in modulus }, "\(exponent)")
                // Where the private key does not say it, the public one does.
                Told.set([UInt(CKA_PUBLIC_EXPONENT): []], [UInt(CKA_PUBLIC_EXPONENT): exponent])
                #expect(find()?.publicExponent == value, "\(exponent)")
            }
            for (size, first, bits) in [
                (255, 0xFF, nil), (256, 0x7F, nil), (256, 0x80, 2048), (257, 0x01, nil), (264, 0x80, 2112),
                (263, 0xFF, nil), (260, 0x80, nil), (512, 0x80, 4096), (512, 0x7F, nil), (513, 0x01, nil),
                (520, 0x80, nil), (128, 0x80, nil), (248, 0x80, nil),
            ] as [(Int, UInt8, Int?)] {
                let other = [first] + [UInt8](repeating: 0xA5, count: size - 1)
                Told.set([UInt(CKA_MODULUS): other])
                let found = find()
                #expect(found?.publicKey == bits.map { _ in other }, "\(size) \(first)")
                #expect(found?.algorithm == bits.map { .rsa(bits: $0) }, "\(size) \(first)")
            }
        }
    }

    /// A point stands in an OCTET STRING, or bare (PKCS #11, 2.3.3).
    @Test(arguments: [KeyAlgorithm.p256, .p384]) func thePointOfACurveIsRead(algorithm: KeyAlgorithm) throws {
        try withKey(algorithm) { reference, find in
            let point = reference.publicKey
            func expect(_ bytes: [UInt8], _ isRead: Bool, _ line: Int = #line) {
                let kept = isRead ? reference.bytes : nil
                Told.set([UInt(CKA_EC_POINT): bytes])
                #expect(find()?.bytes == kept, "\(line)")
                // Of most tokens the public key alone has it.
                Told.set([UInt(CKA_EC_POINT): []], [UInt(CKA_EC_POINT): bytes])
                #expect(find()?.bytes == kept, "\(line)")
            }
            expect(point, true)
            expect([4, UInt8(point.count)] + point, true)
            expect([4] + point, false)
            expect([4, 0, UInt8(point.count)] + point, false)
            expect(Array(point.dropLast()), false)
            Told.set([UInt(CKA_EC_POINT): []], [UInt(CKA_EC_POINT): []])
            #expect(find() == nil)
            for first in [UInt8(2), 3, 5, 0] {
                expect([first] + point.dropFirst(), false)
                expect([4, UInt8(point.count), first] + point.dropFirst(), false)
            }
            // Another curve, or none that has a name.
            for other in ["06082A8648CE3D030107", "06052B81040022", "06052B81040023", "3000", "06082A8648CE3D030108"] {
                let parameters = [UInt8](hex: other)
                Told.set([UInt(CKA_EC_PARAMS): parameters])
                let isOurs = other == (algorithm == .p256 ? "06082A8648CE3D030107" : "06052B81040022")
                #expect(find()?.bytes == (isOurs ? reference.bytes : nil), "\(other)")
            }
            Told.set([UInt(CKA_EC_PARAMS): []])
            #expect(find() == nil)
        }
    }

    /// A key that is another than the stored one in any part of it.
    @Test func eachPartOfAKeyIsCompared() throws {
        try withKey(.rsa(bits: 2048)) { reference, _ in
            let bytes = reference.bytes
            #expect(failure { try load(bytes) } == nil)
            Told.set([UInt(CKA_PUBLIC_EXPONENT): [3]])
            #expect(failure { try load(bytes) } == .token(.otherKey))
            for index in [1, 128, 255] {
                var modulus = reference.publicKey
                modulus[index] ^= 1
                Told.set([UInt(CKA_MODULUS): modulus])
                #expect(failure { try load(bytes) } == .token(.otherKey))
            }
            // What a token gives nothing of is known by its signature, and so is that of another.
            Told.set([UInt(CKA_MODULUS): []], [UInt(CKA_MODULUS): []])
            #expect(failure { try load(bytes) } == nil)
            var other = reference
            other.publicExponent = 3
            #expect(failure { try load(other.bytes) } == .token(.otherKey))
            other = reference
            other.publicKey[7] ^= 1
            #expect(failure { try load(other.bytes) } == .token(.otherKey))
        }
    }

    /// An identifier that is too long for a reference is none: the key is found by its label.
    @Test(arguments: [(1, true), (255, true), (256, false), (300, false)])
    func anIdentifierHasItsSize(size: Int, isTaken: Bool) throws {
        try withToken { _, _, provider in
            try Told.whileLoaded(provider) {
                let made = self.reference(try generated(.p256))
                let reference = try #require(made)
                Told.set([UInt(CKA_ID): [UInt8](repeating: 7, count: size)])
                var found: TokenReference?
                let failed = failure { found = try provider.openToken().find(label: reference.label) }
                // There is none of that identifier.
                #expect(failed == (isTaken ? .token(.keyAbsent) : nil))
                #expect(
                    found?.identifier == (isTaken ? nil : [])
                        && found?.publicKey == (isTaken ? nil : reference.publicKey))
            }
        }
    }
}
