import TestKeys
import TestSupport
import Testing

@testable import DeviceCrypto

@Suite struct ECTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let curve: Curve
        let algorithm: DigestAlgorithm
        let r, s: String
        var testDescription: String { "\(curve), \(algorithm)" }
    }

    static let scalars: [Curve: String] = [
        .p256: "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
        .p384: """
        6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8
        96D5724E4C70A825F872C9EA60D2EDF5
        """,
    ]

    /// RFC 6979, A.2.5 and A.2.6, with the message "sample".
    static let vectors = [
        Vector(
            curve: .p256, algorithm: .sha1, r: "61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32",
            s: "6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB"),
        Vector(
            curve: .p256, algorithm: .sha256, r: "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            s: "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
        Vector(
            curve: .p256, algorithm: .sha384, r: "0EAFEA039B20E9B42309FB1D89E213057CBF973DC0CFC8F129EDDDC800EF7719",
            s: "4861F0491E6998B9455193E34E7B0D284DDD7149A74B95B9261F13ABDE940954"),
        Vector(
            curve: .p256, algorithm: .sha512, r: "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00",
            s: "2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE"),
        Vector(
            curve: .p384, algorithm: .sha384,
            r: """
                94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C
                81A648152E44ACF96E36DD1E80FABE46
                """,
            s: """
                99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F
                A329C145786E679E7B82C71A38628AC8
                """),
    ]

    @Test(arguments: vectors)
    func knownAnswer(_ vector: Vector) throws {
        var random = try seededRandom()
        let scalar = [UInt8](hex: try #require(Self.scalars[vector.curve]))
        var key = try ECPrivateKey(curve: vector.curve, privateScalar: scalar.span, random: &random)
        let digest = Hash.digest(vector.algorithm, of: Array("sample".utf8).span)
        let signature = try output(key.signatureSize) { (buffer) throws(CryptoError) in
            try key.sign(digest, into: &buffer, random: &random)
        }
        #expect(signature == sigValue([UInt8](hex: vector.r), [UInt8](hex: vector.s)))
    }

    @Test(arguments: [Curve.p256, .p384], DigestAlgorithm.allCases)
    func openSSLVerifiesWhatWeSign(_ curve: Curve, _ algorithm: DigestAlgorithm) throws {
        var random = try seededRandom(UInt8(algorithm.size))
        for _ in 0..<4 {
            var key = try ECPrivateKey.generate(curve: curve, random: &random)
            let file = OpenSSLKey(publicKey: ecPublicKey(curve, try key.point))
            let digest = digest(of: message, algorithm)
            let signature = try output(key.signatureSize) { (buffer) throws(CryptoError) in
                try key.sign(digest, into: &buffer, random: &random)
            }
            try file.verify(message, algorithm, signature)
            #expect(try verification(curve, key.point, signature, algorithm) == nil)
        }
    }

    @Test(arguments: [Curve.p256, .p384], DigestAlgorithm.allCases)
    func whatOpenSSLSigns(_ curve: Curve, _ algorithm: DigestAlgorithm) throws {
        let file = try OpenSSLKey(curve: curve)
        let point = Array(file.publicKey.suffix(curve.pointSize))
        for _ in 0..<8 {
            let signature = try file.sign(message, algorithm)
            #expect(verification(curve, point, signature, algorithm) == nil)
            #expect(verification(curve, point, signature, algorithm, of: message + [0]) == .invalidSignature)
        }
    }

    /// Integers that are short or need a zero in front come up in one signature of hundreds.
    @Test(arguments: [
        ("0000007F", "00000080", "3007 02017F 02020080"), ("00000000", "00008000", "300802010002 0300 8000"),
        ("00000100", "7FFFFFFF", "300A 02020100 02047FFFFFFF"),
        ("80000000", "FFFFFFFF", "300E 02050080000000 020500FFFFFFFF"),
    ])
    func signaturesOfEveryShapeAreDER(_ r: String, _ s: String, _ expected: String) throws {
        let (r, s) = ([UInt8](hex: r), [UInt8](hex: s))
        let written = output(16) { (buffer) in ECSignature.write(r.span, s.span, into: &buffer) }
        #expect(written == [UInt8](hex: expected))
        guard r != [0, 0, 0, 0] else { return }
        let ranges = try #require(read(written, fieldSize: 4))
        #expect(Array(written[ranges.r]) == Array(r.drop { $0 == 0 }))
        #expect(Array(written[ranges.s]) == Array(s.drop { $0 == 0 }))
    }

    private func read(_ bytes: [UInt8], fieldSize: Int) -> (r: Range<Int>, s: Range<Int>)? {
        ECSignature.read(bytes.span, fieldSize: fieldSize)
    }

    // MARK: Wrong input

    private func verification(
        _ curve: Curve, _ point: [UInt8], _ signature: [UInt8], _ algorithm: DigestAlgorithm = .sha256,
        of message: [UInt8] = message
    ) -> CryptoError? {
        failure { () throws(CryptoError) in
            try ECPublicKey.verify(
                curve: curve, point: point.span, digest: digest(of: message, algorithm),
                signature: signature.span)
        }
    }

    static let order = [UInt8](hex: "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")

    /// A signature by the key of RFC 6979, A.2.5, and its point.
    static let point = [UInt8](
        hex: """
            04 60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
            7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299
            """)
    static let r = [UInt8](hex: vectors[1].r)
    static let s = [UInt8](hex: vectors[1].s)
    static let sample = [UInt8]("sample".utf8)

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let signature: [UInt8]

        init(_ name: String, _ signature: [UInt8]) {
            testDescription = name
            self.signature = signature
        }
    }

    static let wrongSignatures: [Row] = {
        let good = sigValue(r, s)
        let zero = [UInt8](repeating: 0, count: 32)
        let rTagged = ([0] + r).tagged(2)
        let sTagged = ([0] + s).tagged(2)
        return [
            Row("nothing", []),
            Row("a tag alone", [0x30]),
            Row("an empty sequence", [0x30, 0]),
            Row("cut", Array(good.dropLast())),
            Row("a byte behind", good + [0]),
            Row("a byte behind, counted", (rTagged + sTagged + [0]).tagged(0x30)),
            Row("one integer", rTagged.tagged(0x30)),
            Row("three integers", (rTagged + sTagged + sTagged).tagged(0x30)),
            Row("a set", [0x31] + good.dropFirst()),
            Row("a length in two bytes", [0x30, 0x81, UInt8(good.count - 2)] + good.dropFirst(2)),
            Row("an indefinite length", [0x30, 0x80] + good.dropFirst(2) + [0, 0]),
            Row("an integer with a length in two bytes", ([2, 0x81, 33, 0] + r + sTagged).tagged(0x30)),
            Row("a negative r", (r.tagged(2) + sTagged).tagged(0x30)),
            Row("a negative s", (rTagged + s.tagged(2)).tagged(0x30)),
            Row("two leading zeros", (([0, 0] + r).tagged(2) + sTagged).tagged(0x30)),
            Row("r of no bytes", ([2, 0] + sTagged).tagged(0x30)),
            Row("s of no bytes", (rTagged + [2, 0]).tagged(0x30)),
            Row("r is an octet string", (([0] + r).tagged(4) + sTagged).tagged(0x30)),
            Row("r longer than the sequence", ([2, 0x7F, 0] + r).tagged(0x30)),
            Row("r too long", (([1] + r).tagged(2) + sTagged).tagged(0x30)),
            Row("r too long, after its zero", (([0, 0x80] + r).tagged(2) + sTagged).tagged(0x30)),
            Row("r is 0", sigValue(zero, s)),
            Row("s is 0", sigValue(r, zero)),
            Row("r is the order", sigValue(order, s)),
            Row("s is the order", sigValue(r, order)),
            Row("r and s swapped", sigValue(s, r)),
            Row("r is another", sigValue(Array(r.dropLast()) + [0x17], s)),
            Row("s is another", sigValue(r, Array(s.dropLast()) + [0xA9])),
        ]
    }()

    @Test(arguments: wrongSignatures)
    func wrongSignature(_ row: Row) {
        #expect(verification(.p256, Self.point, row.signature, of: Self.sample) == .invalidSignature)
    }

    /// A number has one form in DER: a zero in front keeps one from being negative, and is there for nothing else (X.690, 8.3.2).
    @Test func aZeroThatNobodyNeedsIsRefused() throws {
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        let point = try output(65) { (buffer) throws(CryptoError) in try key.publicKey(into: &buffer) }
        var first: Set<UInt8> = []
        for number: UInt8 in 0..<64 {
            var signature = try output(72) { (buffer) throws(CryptoError) in
                try key.sign(digest(of: [number]), into: &buffer, random: &random)
            }
            guard signature[4] > 0, signature[4] < 0x80 else { continue }
            first.insert(signature[4] & 1)
            #expect(verification(.p256, point, signature, of: [number]) == nil)
            signature.insert(0, at: 4)
            signature[1] += 1
            signature[3] += 1
            #expect(verification(.p256, point, signature, of: [number]) == .invalidSignature)
        }
        #expect(first == [0, 1], "odd ones, and even ones")
    }

    static let wrongPoints: [(String, Curve, [UInt8])] = [
        ("nothing", .p256, []),
        ("the point at infinity", .p256, [0]),
        ("compressed", .p256, [3] + point[1...32]),
        ("hybrid", .p256, [7] + point.dropFirst()),
        ("a byte less", .p256, point.dropLast()),
        ("a byte more", .p256, point + [0]),
        ("not on the curve", .p256, point.dropLast() + [0x98]),
        ("X = Y = 0", .p256, [4] + [UInt8](repeating: 0, count: 64)),
        ("X beyond the field", .p256, [4] + [UInt8](repeating: 0xFF, count: 32) + point[33...]),
        ("another curve", .p384, point),
        ("another curve, padded", .p384, point + [UInt8](repeating: 0, count: 32)),
    ]

    @Test(arguments: wrongPoints.indices)
    func wrongPoint(_ index: Int) {
        let (name, curve, point) = Self.wrongPoints[index]
        let signature = sigValue(Self.r, Self.s)
        #expect(verification(curve, point, signature, of: Self.sample) == .invalidKey, "\(name)")
        #expect(verification(.p256, Self.point, signature, of: Self.sample) == nil)
    }

    @Test(
        arguments: [
            ("0", [UInt8](repeating: 0, count: 32), false), ("1", [UInt8](repeating: 0, count: 31) + [1], true),
            ("the order less 1", order.dropLast() + [0x50], true), ("the order", order, false),
            ("more than the order", [UInt8](repeating: 0xFF, count: 32), false),
            ("31 bytes", Array(order.dropFirst()), false),
            ("33 bytes", [0] + order, false), ("nothing", [], false),
        ] as [(String, [UInt8], Bool)])
    func scalars(_ name: String, _ scalar: [UInt8], _ taken: Bool) throws {
        var random = try seededRandom()
        let error = failure { () throws(CryptoError) in
            _ = try ECPrivateKey(curve: .p256, privateScalar: scalar.span, random: &random)
        }
        #expect(error == (taken ? nil : .invalidKey))
    }

    @Test func withoutASeedNothingIsDone() throws {
        var seeded = try seededRandom()
        var random = RandomGenerator()
        let scalar = Self.r
        var key = try ECPrivateKey.generate(curve: .p256, random: &seeded)
        let digest = digest(of: message)
        let errors = [
            failure { () throws(CryptoError) in _ = try ECPrivateKey.generate(curve: .p256, random: &random) },
            failure { () throws(CryptoError) in
                _ = try ECPrivateKey(curve: .p256, privateScalar: scalar.span, random: &random)
            },
            failure { () throws(CryptoError) in
                _ = try output(72) { (buffer) throws(CryptoError) in
                    try key.sign(digest, into: &buffer, random: &random)
                }
            },
        ]
        #expect(errors == [.notSeeded, .notSeeded, .notSeeded])
    }

    @Test func whatAnECKeyCannotDo() throws {
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        let digest = digest(of: message)
        let ciphertext = message
        let errors = [
            failure { () throws(CryptoError) in
                _ = try output(32) { (buffer) throws(CryptoError) in
                    try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
                }
            },
            failure { () throws(CryptoError) in
                _ = try output(32) { (buffer) throws(CryptoError) in
                    try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
                    return 32
                }
            },
            failure { () throws(CryptoError) in
                _ = try output(71) { (buffer) throws(CryptoError) in
                    try key.sign(digest, into: &buffer, random: &random)
                }
            },
            failure { () throws(CryptoError) in
                _ = try output(64) { (buffer) throws(CryptoError) in try key.publicKey(into: &buffer) }
            },
            failure { () throws(CryptoError) in
                _ = try output(105) { (buffer) throws(CryptoError) in try key.export(into: &buffer) }
            },
        ]
        #expect(errors == [.unsupported, .unsupported, .bufferTooSmall, .bufferTooSmall, .bufferTooSmall])
    }

    // MARK: Keeping

    @Test(arguments: [(Curve.p256, KeyAlgorithm.p256, 106), (.p384, .p384, 154)])
    func whatIsExportedComesBack(_ curve: Curve, _ algorithm: KeyAlgorithm, _ size: Int) throws {
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: curve, random: &random)
        #expect(key.algorithm == algorithm)
        #expect(key.publicExponent == 0)
        let exported = try key.exported
        #expect(exported.count == size)
        #expect(key.exportSize == size)
        var copy = try ECPrivateKey(importing: exported.span)
        #expect(try copy.point == key.point)
        #expect(copy.curve == curve)
        let digest = digest(of: message)
        var signatures: [[UInt8]] = []
        signatures.append(
            try output(104) { (buffer) throws(CryptoError) in try key.sign(digest, into: &buffer, random: &random) })
        signatures.append(
            try output(104) { (buffer) throws(CryptoError) in try copy.sign(digest, into: &buffer, random: &random) })
        #expect(signatures[0] == signatures[1], "deterministic, whatever the blinding")
        for index in exported.indices {
            var damaged = exported
            damaged[index] ^= 1
            let error = failure { () throws(CryptoError) in _ = try ECPrivateKey(importing: damaged.span) }
            #expect(error == .invalidKey, "byte \(index)")
        }
        let lengths: [[UInt8]] = [[], [2], [2, curve.rawValue], exported.dropLast(), exported + [0]]
        for bytes in lengths {
            let error = failure { () throws(CryptoError) in _ = try ECPrivateKey(importing: bytes.span) }
            #expect(error == .invalidKey)
        }
    }

    @Test func aWipedKeyIsGone() throws {
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        let scalar = Array(try key.exported[2..<34])
        #expect(unsafe memory(of: &key).contains(scalar))
        key.wipe()
        let left = unsafe memory(of: &key)
        #expect(!(0...28).contains { left.contains(scalar[$0..<$0 + 4]) })
        let digest = digest(of: message)
        let errors = [
            failure { () throws(CryptoError) in _ = try key.point },
            failure { () throws(CryptoError) in _ = try key.exported },
            failure { () throws(CryptoError) in
                _ = try output(72) { (buffer) throws(CryptoError) in
                    try key.sign(digest, into: &buffer, random: &random)
                }
            },
        ]
        #expect(errors == [.invalidKey, .invalidKey, .invalidKey])
    }
}

extension ECPrivateKey {
    var point: [UInt8] {
        mutating get throws(CryptoError) {
            try output(97) { (buffer) throws(CryptoError) in try publicKey(into: &buffer) }
        }
    }

    var exported: [UInt8] {
        mutating get throws(CryptoError) {
            try output(200) { (buffer) throws(CryptoError) in try export(into: &buffer) }
        }
    }
}

/// Ecdsa-Sig-Value of two integers.
private func sigValue(_ r: [UInt8], _ s: [UInt8]) -> [UInt8] {
    func integer(_ bytes: [UInt8]) -> [UInt8] {
        let stripped = Array(bytes.dropLast().drop { $0 == 0 }) + bytes.suffix(1)
        return (stripped[0] & 0x80 != 0 ? [0] + stripped : stripped).tagged(2)
    }
    return (integer(r) + integer(s)).tagged(0x30)
}

/// A SubjectPublicKeyInfo of a point.
private func ecPublicKey(_ curve: Curve, _ point: [UInt8]) -> [UInt8] {
    let name: [UInt8] =
        curve == .p256
        ? [0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07] : [0x06, 5, 0x2B, 0x81, 0x04, 0x00, 0x22]
    let algorithm = ([0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01] + name).tagged(0x30)
    return (algorithm + ([0] + point).tagged(0x03)).tagged(0x30)
}
