import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// Private keys as files have them, against openssl (RFC 5958, RFC 8017, RFC 5915).
@Suite struct PrivateKeyInfoTests {
    /// Keys that openssl made, in PEM.
    enum Made: String, CaseIterable {
        case rsa2048, rsa3072, p256, p384

        static let keys = Result {
            try allCases.reduce(into: [Made: [UInt8]]()) { keys, kind in keys[kind] = try kind.make() }
        }

        var pem: [UInt8] {
            get throws { try Self.keys.get()[self] ?? [] }
        }

        private func make() throws -> [UInt8] {
            switch self {
            case .rsa2048: try TestKey.rsa.pem
            case .rsa3072: try OpenSSL.run(["genrsa", "3072"])
            case .p256: try TestKey.p256.pem
            case .p384: try OpenSSL.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
            }
        }

        var isRSA: Bool { self == .rsa2048 || self == .rsa3072 }
    }

    /// A form by the openssl command that writes it in DER.
    static func forms(_ kind: Made) -> [[String]] {
        let pkcs8 = ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]
        guard !kind.isRSA else { return [pkcs8, ["rsa", "-traditional", "-outform", "DER"]] }
        return [
            pkcs8, ["ec", "-outform", "DER"], ["ec", "-conv_form", "compressed", "-outform", "DER"],
            ["ec", "-no_public", "-outform", "DER"],
        ]
    }

    /// Reads a key and writes it again, as PKCS #8.
    private func rewritten(_ der: [UInt8]) throws -> [UInt8] {
        let info = try PrivateKeyInfo(der.span)
        if info.kind == .rsa {
            var key = RSAPrivateKey()
            try key.load(info)
            return try written(2500) { writer throws(DERError) in try writer.write(privateKeyInfo: &key) }
        }
        var random = try seededRandom()
        var key = ECPrivateKey()
        try key.load(info, random: &random)
        return try written(300) { writer throws(DERError) in try writer.write(privateKeyInfo: &key) }
    }

    private func written(
        _ size: Int, _ body: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var buffer = bytes.mutableSpan
        var writer = DERWriter(&buffer, end: size)
        try body(&writer)
        return writer.written.array
    }

    @Test(arguments: Made.allCases)
    func whatOpensslWroteComesOutAsOpensslWritesPKCS8(kind: Made) throws {
        let expected = try OpenSSL.run(Self.forms(kind)[0], input: kind.pem)
        for form in Self.forms(kind) {
            let ours = try rewritten(OpenSSL.run(form, input: kind.pem))
            #expect(ours == expected, "\(form)")
        }
    }

    @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .p256, .p384])
    func opensslFindsOurKeysWhole(algorithm: KeyAlgorithm) throws {
        var random = try seededRandom(0x17)
        let ours: [UInt8]
        if case .rsa(let bits) = algorithm {
            var key = try RSAPrivateKey.generate(bits: bits, random: &random)
            ours = try written(2500) { writer throws(DERError) in try writer.write(privateKeyInfo: &key) }
        } else {
            var key = try ECPrivateKey.generate(curve: algorithm == .p256 ? .p256 : .p384, random: &random)
            ours = try written(300) { writer throws(DERError) in try writer.write(privateKeyInfo: &key) }
        }
        let verdict = try OpenSSL.run(["pkey", "-inform", "DER", "-check", "-noout"], input: ours)
        #expect(String(decoding: verdict, as: UTF8.self).contains("Key is valid"))
        #expect(try rewritten(ours) == ours)
    }

    @Test func aKeyOfVersion1BringsItsPublicKeyAlong() throws {
        // OneAsymmetricKey (RFC 5958, 2) with attributes [0] and publicKey [1] behind the key.
        let der = try OpenSSL.run(Self.forms(.p256)[0], input: Made.p256.pem)
        let body = [0x02, 0x01, 0x01] + der[6...] + [0xA0, 0x00] + [0x81, 0x02, 0x00, 0x04]
        #expect(try rewritten(Array(body).tagged(0x30)) == der)
    }

    // MARK: What is refused

    private func refusal(_ der: [UInt8]) -> DERError? {
        do {
            _ = try rewritten(der)
            return nil
        } catch {
            return error as? DERError
        }
    }

    @Test(arguments: [
        (["genrsa", "1024"], DERError(.unsupportedKeySize, at: 33)),
        (["genrsa", "2056"], DERError(.unsupportedKeySize, at: 33)),
        (["genpkey", "-algorithm", "ED25519"], DERError(.unsupportedAlgorithm, at: 5)),
        (
            ["genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
            DERError(.unsupportedAlgorithm, at: 7)
        ),
        (
            ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            DERError(.unsupportedAlgorithm, at: 17)
        ),
        (
            [
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt",
                "ec_param_enc:explicit",
            ], DERError(.unexpectedTag, at: 20)
        ),
        (
            ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-pkeyopt", "rsa_keygen_primes:3"],
            DERError(.unsupportedVersion, at: 30)
        ),
    ])
    func keysOfOtherKindsAreRefused(command: [String], expected: DERError) throws {
        let der = try OpenSSL.run(
            ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: OpenSSL.run(command))
        #expect(refusal(der) == expected)
    }

    /// Where each integer of an RSAPrivateKey in PKCS #1 stands: offset of its tag, and of its last byte.
    private func integers(_ der: [UInt8]) throws -> [(start: Int, last: Int)] {
        var reader = DERReader(der.span)
        var content = try reader.enter()
        var places: [(Int, Int)] = []
        while !content.isAtEnd {
            let element = try content.read(.integer)
            places.append((element.start, element.content.upperBound - 1))
        }
        return places
    }

    /// Modulus, e, d, p and q are checked together, the rest one by one.
    @Test(arguments: 1...8) func aChangedIntegerIsRefused(place: Int) throws {
        var der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: Made.rsa2048.pem)
        let places = try integers(der)
        der[places[place].last] ^= 0x04
        #expect(refusal(der) == DERError(.crypto(.invalidKey), at: places[max(place, 6) == place ? place : 1].start))
    }

    /// An integer that is cut or goes on in front is another one, however it ends.
    @Test(arguments: 6...8) func anIntegerOfAnotherSizeIsRefused(place: Int) throws {
        let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: Made.rsa2048.pem)
        var values: [[UInt8]] = []
        var reader = DERReader(der.span)
        var content = try reader.enter()
        while !content.isAtEnd { values.append(try content.read(.integer).unsignedInteger().array) }
        func encoded(_ values: [[UInt8]]) -> [UInt8] {
            values.flatMap { value in
                ((value.first ?? 0x80) >= 0x80 ? [0] + value : value).tagged(0x02)
            }.tagged(0x30)
        }
        #expect(encoded(values) == der)
        for front: [UInt8]? in [nil, [1], [UInt8](repeating: 0x55, count: 400)] {
            var others = values
            others[place] = front.map { $0 + values[place] } ?? Array(values[place].dropFirst().drop { $0 == 0 })
            let changed = encoded(others)
            #expect(refusal(changed) == DERError(.crypto(.invalidKey), at: try integers(changed)[place].start))
        }
    }

    /// The size is that of the modulus, whatever its second byte is.
    @Test(arguments: [(0xC0, 0x01, true), (0x40, 0xFF, false), (0x80, 0x00, true), (0x01, 0xFF, false)])
    func theSizeIsThatOfTheModulus(first: UInt8, second: UInt8, isPermitted: Bool) throws {
        let modulus = [first, second] + [UInt8](repeating: 7, count: 254)
        let integer = ((first >= 0x80 ? [0] : []) + modulus).tagged(0x02)
        let others = [[1, 0, 1], [3], [5], [7], [1], [1], [1]] as [[UInt8]]
        let der = ([2, 1, 0] + integer + others.flatMap { $0.tagged(0x02) }).tagged(0x30)
        #expect(refusal(der) == DERError(isPermitted ? .crypto(.invalidKey) : .unsupportedKeySize, at: 7))
    }

    /// The place is empty then, whatever was in it before and however far the reading came.
    @Test func ofARefusedKeyNothingIsThere() throws {
        let rsa = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: Made.rsa2048.pem)
        let ec = try OpenSSL.run(["ec", "-outform", "DER"], input: Made.p256.pem)
        let places = try integers(rsa)
        var buffer = [UInt8](repeating: 0, count: 512)
        var bytes = buffer.mutableSpan
        for place in [1, 4, 6, 7, 8] {
            var changed = rsa
            changed[places[place].last] ^= 0x04
            var key = RSAPrivateKey()
            try key.load(PrivateKeyInfo(rsa.span))
            _ = try key.publicKey(into: &bytes)
            #expect(throws: DERError.self) { try key.load(PrivateKeyInfo(changed.span)) }
            #expect(throws: CryptoError.invalidKey) { _ = try key.publicKey(into: &bytes) }
        }
        var random = try seededRandom()
        for place in [38, ec.count - 1] {
            var changed = ec
            changed[place] ^= 1
            var key = ECPrivateKey()
            try key.load(PrivateKeyInfo(ec.span), random: &random)
            _ = try key.publicKey(into: &bytes)
            #expect(throws: DERError.self) { try key.load(PrivateKeyInfo(changed.span), random: &random) }
            #expect(throws: CryptoError.invalidKey) { _ = try key.publicKey(into: &bytes) }
        }
        // One of the other kind.
        var key = RSAPrivateKey()
        try key.load(PrivateKeyInfo(rsa.span))
        #expect(throws: DERError(.unsupportedAlgorithm, at: 0)) { try key.load(PrivateKeyInfo(ec.span)) }
        #expect(throws: CryptoError.invalidKey) { _ = try key.publicKey(into: &bytes) }
    }

    @Test func damagedECKeysAreRefused() throws {
        let der = try OpenSSL.run(["ec", "-outform", "DER"], input: Made.p256.pem)
        // SEQUENCE, version, OCTET STRING with the scalar at 5, [0] at 39, [1] at 51 with a BIT STRING at 53.
        #expect(der[5] == 0x04 && der[39] == 0xA0 && der[51] == 0xA1)
        var zero = der
        for index in 7..<39 { zero[index] = 0 }
        #expect(refusal(zero) == DERError(.crypto(.invalidKey), at: 5))
        // Not below the order of the group.
        for index in 7..<39 { zero[index] = 0xFF }
        #expect(refusal(zero) == DERError(.crypto(.invalidKey), at: 5))
        var point = der
        point[der.count - 1] ^= 1
        #expect(refusal(point) == DERError(.crypto(.invalidKey), at: 53))
        var scalar = der
        scalar[38] ^= 1
        #expect(refusal(scalar) == DERError(.crypto(.invalidKey), at: 53))
        // Without a curve nobody knows what it is.
        let bare = [UInt8](der[2..<39]).tagged(0x30)
        #expect(refusal(bare) == DERError(.unsupportedAlgorithm, at: 5))
    }

    /// A point in short form whose Y is the other one of the two.
    @Test func theOtherPointOfOneXIsRefused() throws {
        var der = try OpenSSL.run(["ec", "-conv_form", "compressed", "-outform", "DER"], input: Made.p256.pem)
        #expect(der.count == 53 + 36 && der[53] == 0x03 && der[56] | 1 == 3)
        #expect(refusal(der) == nil)
        der[56] ^= 1
        #expect(refusal(der) == DERError(.crypto(.invalidKey), at: 53))
    }

    /// The curve stands outside, and may stand inside too (RFC 5915, 3): then it is the same.
    @Test func aCurveInsideIsTheOneOutside() throws {
        let ec = try OpenSSL.run(["ec", "-outform", "DER"], input: Made.p256.pem)
        let curves = [UInt8(7): [UInt8](hex: "06082A8648CE3D030107"), 34: [UInt8](hex: "06052B81040022")]
        func info(inside: UInt8) throws -> [UInt8] {
            let inner = (ec[2..<39] + (curves[inside] ?? []).tagged(0xA0) + ec[51...]).map { $0 }.tagged(0x30)
            let algorithm = ([UInt8](hex: "06072A8648CE3D0201") + (curves[7] ?? [])).tagged(0x30)
            return ([0x02, 0x01, 0x00] + algorithm + inner.tagged(0x04)).tagged(0x30)
        }
        let right = try info(inside: 7)
        #expect(refusal(right) == nil)
        try OpenSSL.run(["pkey", "-inform", "DER", "-noout", "-check"], input: right)
        let wrong = try info(inside: 34)
        let place = try #require(wrong.firstRange(of: [0xA0, 0x07])).lowerBound
        #expect(refusal(wrong) == DERError(.crypto(.invalidKey), at: place))
    }

    /// Each form has its versions: PKCS #1 has 0, SEC 1 has 1, PKCS #8 has both, and around either of them its own.
    @Test func versionsAreThoseOfTheForm() throws {
        let rsa = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: Made.rsa2048.pem)
        let wrappedRSA = try OpenSSL.run(Self.forms(.rsa2048)[0], input: Made.rsa2048.pem)
        let ec = try OpenSSL.run(["ec", "-outform", "DER"], input: Made.p256.pem)
        let wrappedEC = try OpenSSL.run(Self.forms(.p256)[0], input: Made.p256.pem)
        // Where the version's INTEGER stands, by the bytes that follow it.
        let inRSA = try #require(wrappedRSA.firstRange(of: [2, 1, 0, 2])).lowerBound
        let inEC = try #require(wrappedEC.firstRange(of: [2, 1, 1, 4])).lowerBound
        for (der, place, permitted) in [
            (rsa, 4, 0...0), (wrappedRSA, 4, 0...1), (wrappedRSA, inRSA, 0...0), (ec, 2, 1...1), (wrappedEC, 3, 0...1),
            (wrappedEC, inEC, 1...1),
        ] as [([UInt8], Int, ClosedRange<UInt8>)] {
            #expect(der[place] == 2 && der[place + 1] == 1)
            for version: UInt8 in [0, 1, 2, 0x7F, 0xFF] {
                var other = der
                other[place + 2] = version
                let expected = permitted ~= version ? nil : DERError(.unsupportedVersion, at: place)
                #expect(refusal(other) == expected, "\(version) at \(place)")
            }
        }
    }

    /// What stands behind the parts of each form.
    @Test func bytesBehindThePartsAreRefused() throws {
        let (mark, more) = ([0x0C, 0x01, 0x77] as [UInt8], DERError.Kind.trailingBytes)
        func behind(_ der: [UInt8]) throws {
            let place = try #require(der.firstRange(of: mark)).lowerBound
            #expect(refusal(der) == DERError(more, at: place))
        }
        let ec = try OpenSSL.run(["ec", "-outform", "DER"], input: Made.p256.pem)
        let curve = [UInt8](hex: "06082A8648CE3D030107")
        let (scalar, point) = (Array(ec[5..<39]), Array(ec[53...]))
        let inner = [2, 1, 1] + scalar
        try behind((inner + curve.tagged(0xA0) + point.tagged(0xA1) + mark).tagged(0x30))
        try behind((inner + curve.tagged(0xA0) + (point + mark).tagged(0xA1)).tagged(0x30))
        try behind((inner + (curve + mark).tagged(0xA0) + point.tagged(0xA1)).tagged(0x30))
        func wrapped(_ algorithm: [UInt8], _ key: [UInt8], _ rest: [UInt8] = []) -> [UInt8] {
            ([2, 1, 0] + algorithm.tagged(0x30) + key.tagged(0x04) + rest).tagged(0x30)
        }
        let named = [UInt8](hex: "06072A8648CE3D0201") + curve
        let whole = (inner + point.tagged(0xA1)).tagged(0x30)
        #expect(refusal(wrapped(named, whole)) == nil)
        try behind(wrapped(named + mark, whole))
        try behind(wrapped(named, whole + mark))
        try behind(wrapped(named, whole, mark))
        let rsa = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: Made.rsa2048.pem)
        let rsaName = [UInt8](hex: "06092A864886F70D010101")
        // Parameters are NULL (RFC 8017, A.1), and some leave them out.
        #expect(refusal(wrapped(rsaName + [5, 0], rsa)) == nil && refusal(wrapped(rsaName, rsa)) == nil)
        try behind(wrapped(rsaName + [5, 0] + mark, rsa))
        try behind(wrapped(rsaName + [5, 0], Array((rsa[4...] + mark)).tagged(0x30)))
    }

    @Test func whatIsCutOrGoesOnIsRefused() throws {
        let der = try OpenSSL.run(Self.forms(.p256)[0], input: Made.p256.pem)
        for count in 0..<der.count { #expect(refusal(Array(der.prefix(count))) != nil) }
        #expect(refusal(der + [0]) == DERError(.trailingBytes, at: der.count))
    }
}
