import CPKCS11
import DeviceCrypto
import Foundation
import Synchronization
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// SoftHSM, of which a function returns something else for so many calls.
private enum Faulty {
    enum Function {
        case slots, open, logIn, generate, find, signInit, sign, decryptInit, decrypt, destroy
    }

    struct State {
        var original: CK_FUNCTION_LIST?
        var function = Function.slots
        var result = CK_RV(CKR_OK)
        /// Calls that fail.
        var left = 0
        /// What C_Sign and C_Decrypt say is the size of what they wrote; nil: what it is.
        var size: CK_ULONG?
        var logInCount = 0
        /// What C_GenerateKeyPair was asked for last, of each kind of key.
        var asked: [[UInt: [UInt8]]] = []
    }

    static func attributes(_ template: UnsafeMutablePointer<CK_ATTRIBUTE>?, _ count: CK_ULONG) -> [UInt: [UInt8]] {
        let all = UnsafeBufferPointer(start: template, count: Int(count))
        return Dictionary(
            uniqueKeysWithValues: all.map { attribute in
                (
                    UInt(attribute.type),
                    Array(UnsafeRawBufferPointer(start: attribute.pValue, count: Int(attribute.ulValueLen)))
                )
            })
    }

    static let state = Mutex(State())

    /// - Returns: SoftHSM's own functions, or nil where this one fails now.
    static func take(_ function: Function) -> (own: CK_FUNCTION_LIST?, result: CK_RV) {
        state.withLock { state in
            if function == .logIn { state.logInCount += 1 }
            if state.function == function, state.left > 0 {
                state.left -= 1
                return (nil, state.result)
            }
            return (state.original, CK_RV(CKR_GENERAL_ERROR))
        }
    }

    /// From now on so many calls of a function fail.
    static func fail(_ function: Function, _ result: CK_RV, times: Int = 1000) {
        state.withLock { ($0.function, $0.result, $0.left) = (function, result, times) }
    }

    static func mend() { state.withLock { ($0.left, $0.size) = (0, nil) } }

    static func whileLoaded(_ provider: KeyProvider, _ body: () throws -> Void) throws {
        let library = try #require(dlopen(SoftHSM.module, RTLD_NOW | RTLD_LOCAL))
        defer { dlclose(library) }
        let module = try #require(pkcs11_functions(library))
        let original = module.pointee
        state.withLock {
            $0 = State()
            $0.original = original
        }
        replace(&module.pointee)
        defer {
            provider.close()
            module.pointee = original
        }
        try body()
    }

    private static func replace(_ table: inout CK_FUNCTION_LIST) {
        table.C_GetSlotList = { isPresent, slots, count in
            let (own, result) = Faulty.take(.slots)
            return own?.C_GetSlotList?(isPresent, slots, count) ?? result
        }
        table.C_OpenSession = { slot, flags, application, notify, session in
            let (own, result) = Faulty.take(.open)
            return own?.C_OpenSession?(slot, flags, application, notify, session) ?? result
        }
        table.C_Login = { session, user, pin, count in
            let (own, result) = Faulty.take(.logIn)
            return own?.C_Login?(session, user, pin, count) ?? result
        }
        table.C_GenerateKeyPair = { session, mechanism, publicKey, count, privateKey, privateCount, one, two in
            let (own, result) = Faulty.take(.generate)
            let asked = [Faulty.attributes(publicKey, count), Faulty.attributes(privateKey, privateCount)]
            Faulty.state.withLock { $0.asked = asked }
            return own?.C_GenerateKeyPair?(
                session, mechanism, publicKey, count, privateKey, privateCount, one, two) ?? result
        }
        table.C_FindObjectsInit = { session, template, count in
            let (own, result) = Faulty.take(.find)
            return own?.C_FindObjectsInit?(session, template, count) ?? result
        }
        table.C_SignInit = { session, mechanism, key in
            let (own, result) = Faulty.take(.signInit)
            return own?.C_SignInit?(session, mechanism, key) ?? result
        }
        table.C_Sign = { session, data, count, signature, size in
            // It ends what C_SignInit began, whatever comes of it.
            let own = Faulty.state.withLock { $0.original }
            let found = own?.C_Sign?(session, data, count, signature, size) ?? CK_RV(CKR_GENERAL_ERROR)
            let (unchanged, result) = Faulty.take(.sign)
            if unchanged == nil { return result }
            if let other = Faulty.state.withLock({ $0.size }) { size?.pointee = other }
            return found
        }
        table.C_DecryptInit = { session, mechanism, key in
            let (own, result) = Faulty.take(.decryptInit)
            return own?.C_DecryptInit?(session, mechanism, key) ?? result
        }
        table.C_Decrypt = { session, data, count, plain, size in
            let own = Faulty.state.withLock { $0.original }
            let found = own?.C_Decrypt?(session, data, count, plain, size) ?? CK_RV(CKR_GENERAL_ERROR)
            let (unchanged, result) = Faulty.take(.decrypt)
            if unchanged == nil { return result }
            if let other = Faulty.state.withLock({ $0.size }) { size?.pointee = other }
            return found
        }
        table.C_DestroyObject = { session, object in
            let (own, result) = Faulty.take(.destroy)
            return own?.C_DestroyObject?(session, object) ?? result
        }
    }
}

extension KeyTests.TokenKeyTests {
    private func signed(_ key: inout GatewayKey) throws -> [UInt8] {
        var random = try seededRandom()
        let digest = Hash.digest(.sha256, of: Array("what is signed".utf8).span)
        var signature = [UInt8](repeating: 0, count: key.signatureSize)
        var buffer = signature.mutableSpan
        let count = try key.sign(digest, into: &buffer, random: &random)
        return Array(signature.prefix(count))
    }

    /// Encrypts to a key by openssl.
    private func encrypted(_ secret: [UInt8], to key: inout GatewayKey, in directory: URL) throws -> [UInt8] {
        let file = try directory.write(publicPEM(&key), to: "public")
        return try OpenSSL.run(["pkeyutl", "-encrypt", "-pubin", "-inkey", file], input: secret)
    }

    private func decrypted(_ ciphertext: [UInt8], _ key: inout GatewayKey, capacity size: Int = 256) throws -> [UInt8] {
        var random = try seededRandom()
        var plain = [UInt8](repeating: 0, count: size)
        var buffer = plain.mutableSpan
        let count = try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
        return Array(plain.prefix(count))
    }

    /// The function that failed is named, with what it returned; afterwards all is as before.
    @Test func aFunctionThatFailsIsNamed() throws {
        try withToken { token, directory, provider in
            try Faulty.whileLoaded(provider) {
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.rsa(bits: 2048), random: &random)
                let bytes = try kept(&key)
                let old = try generated(.p256)
                let ciphertext = try encrypted([7], to: &key, in: directory)
                let result = CK_RV(CKR_DEVICE_ERROR)
                func expect(_ function: Faulty.Function, _ name: TokenFailure.Function, _ body: () throws -> Void) {
                    Faulty.fail(function, result)
                    #expect(failure(body) == .token(.function(name, UInt(result))), "\(function)")
                    Faulty.mend()
                    #expect(failure(body) == nil, "\(function)")
                }
                expect(.signInit, .sign) { _ = try signed(&key) }
                expect(.sign, .sign) { _ = try signed(&key) }
                expect(.find, .sign) { _ = try signed(&key) }
                expect(.decryptInit, .decrypt) { _ = try decrypted(ciphertext, &key) }
                expect(.find, .findObjects) { try load(bytes) }
                expect(.generate, .generateKeyPair) { _ = try generated(.p256) }
                expect(.find, .getAttributeValue) { _ = try generated(.p256) }
                // Those of the attempts, and nothing that is kept.
                let count = try count(token)
                expect(.destroy, .destroyObject) { _ = try provider.destroyOrphans(keeping: [bytes, old]) }
                expect(.find, .destroyObject) { _ = try provider.destroyOrphans(keeping: [bytes, old]) }
                #expect(try self.count(token) == 2 && count > 2)
                for (function, name) in [
                    (.slots, .getSlotList), (.open, .openSession), (.logIn, .login),
                ] as [(Faulty.Function, TokenFailure.Function)] {
                    provider.close()
                    expect(function, name) { try provider.check() }
                    #expect(
                        try !FileManager.default.contentsOfDirectory(atPath: directory.path).contains {
                            $0.hasPrefix("pin-refused")
                        })
                }
            }
        }
    }

    /// What a key on a token may be used for, and who may see it, is said by whoever has it made (PKCS #11, 4.9, 4.10): what
    /// is not said is for each module to decide.
    @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .p256, .p384])
    func allIsSaidOfAKeyThatIsMade(algorithm: KeyAlgorithm) throws {
        try withToken { _, _, provider in
            try Faulty.whileLoaded(provider) {
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(algorithm, random: &random)
                let bytes = try kept(&key)
                let found = self.reference(bytes)
                let reference = try #require(found)
                let (yes, no, isRSA) = ([1] as [UInt8], [0] as [UInt8], reference.publicExponent != 0)
                var bits = CK_ULONG(8 * reference.publicKey.count)
                let size = withUnsafeBytes(of: &bits) { Array($0) }
                var (publicKey, privateKey) = (
                    [
                        CKA_TOKEN: yes, CKA_PRIVATE: no, CKA_VERIFY: yes, CKA_LABEL: Array("scep".utf8),
                        CKA_ID: reference.identifier,
                    ],
                    [
                        CKA_TOKEN: yes, CKA_PRIVATE: yes, CKA_SENSITIVE: yes, CKA_EXTRACTABLE: no, CKA_SIGN: yes,
                        CKA_LABEL: Array("scep".utf8), CKA_ID: reference.identifier,
                    ]
                )
                if isRSA {
                    publicKey.merge(
                        [CKA_ENCRYPT: yes, CKA_MODULUS_BITS: size, CKA_PUBLIC_EXPONENT: [1, 0, 1]]) { $1 }
                    privateKey[CKA_DECRYPT] = yes
                } else {
                    // Their names in DER (RFC 5480, 2.1.1.1).
                    publicKey[CKA_EC_PARAMS] = [UInt8](
                        hex: algorithm == .p256 ? "06082A8648CE3D030107" : "06052B81040022")
                }
                let asked = Faulty.state.withLock { $0.asked }
                #expect(
                    asked
                        == [publicKey, privateKey].map { Dictionary(uniqueKeysWithValues: $0.map { (UInt($0), $1) }) })
            }
        }
    }

    /// Keys that could not be removed are told of, and the certificate is what matters; the next change removes them.
    @Test func keysThatCannotBeRemovedAreToldOf() throws {
        let commands = KeyTests.GatewayCommandTests()
        // A copy of the folder, which others take for the next run, would be another owner's.
        func leave(_ directory: URL) throws {
            let lock = directory.resolvingSymlinksInPath().path + "/identity/lock"
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                if target == lock, let descriptor = Int32(name) { close(descriptor) }
            }
        }
        try withToken { token, _, provider in
            try commands.withCA { ca, directory in
                let pin = try directory.writePrivate(Array(token.pin.utf8), to: "pin")
                let options =
                    try commands.others(ca, directory) + [
                        "--subject", "CN=gateway 7", "--pkcs11-module", SoftHSM.module, "--pkcs11-token", token.label,
                        "--pkcs11-pin-file", String(decoding: pin, as: UTF8.self),
                    ]
                #expect(try commands.scep(["enroll"] + options).exit == .done)
                let one = try count(token)
                try Faulty.whileLoaded(provider) {
                    Faulty.fail(.destroy, CK_RV(CKR_DEVICE_ERROR))
                    try leave(directory)
                    let said = try commands.heard {
                        let renewed = try commands.scep(["renew"] + options)
                        #expect(renewed.exit == .done, "\(renewed.message)")
                    }
                    let words = "C_DestroyObject returned CKR_DEVICE_ERROR (0x00000030)"
                    #expect(
                        said.contains(
                            "warning: keys that have expired could not be removed from the token: the token failed: \(words)"
                        ),
                        "\(said)")
                    Faulty.mend()
                }
                #expect(try count(token) == one + 1)
                try leave(directory)
                #expect(try commands.scep(["renew"] + options).exit == .done)
                #expect(try count(token) == one)
            }
        }
    }

    /// A size that no key has is not asked for.
    @Test(arguments: [1024, 1984, 2047, 2049, 2080, 2111, 4097, 4160])
    func noKeyOfAnotherSizeIsMade(bits: Int) throws {
        try withToken { _, _, provider in
            try Faulty.whileLoaded(provider) {
                #expect(failure { _ = try generated(.rsa(bits: bits)) } == .crypto(.invalidKey))
                #expect(Faulty.state.withLock { $0.asked }.isEmpty)
            }
        }
    }

    /// A session that was lost is opened once more, and one that is lost again is not.
    @Test(arguments: [
        (CKR_SESSION_HANDLE_INVALID, true), (CKR_SESSION_CLOSED, true), (CKR_DEVICE_REMOVED, true),
        (CKR_TOKEN_NOT_PRESENT, true), (CKR_USER_NOT_LOGGED_IN, true), (CKR_GENERAL_ERROR, false),
        (CKR_DEVICE_ERROR, false), (CKR_FUNCTION_FAILED, false),
    ])
    func aSessionThatIsLostIsOpenedOnce(result: UInt, isLost: Bool) throws {
        try withToken { _, directory, provider in
            try Faulty.whileLoaded(provider) {
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.rsa(bits: 2048), random: &random)
                let ciphertext = try encrypted([7, 8], to: &key, in: directory)
                let failed = KeyFailure.token(.function(.sign, result))
                Faulty.fail(.signInit, CK_RV(result), times: 1)
                #expect(failure { _ = try signed(&key) } == (isLost ? nil : failed))
                Faulty.fail(.signInit, CK_RV(result), times: 2)
                #expect(failure { _ = try signed(&key) } == failed)
                Faulty.mend()
                #expect(failure { _ = try signed(&key) } == nil)
                // The user was logged in once for each session.
                #expect(Faulty.state.withLock { $0.logInCount } >= (isLost ? 3 : 1))
                Faulty.fail(.decrypt, CK_RV(result), times: 1)
                guard isLost else { return }
                #expect(try decrypted(ciphertext, &key) == [7, 8])
                Faulty.fail(.decrypt, CK_RV(result), times: 2)
                #expect(failure { _ = try decrypted(ciphertext, &key) } == .token(.function(.decrypt, result)))
            }
        }
    }

    /// Modules have many words for wrong padding: whoever hears one of them hears no more than of the others (RFC 3218).
    @Test func whatIsWrongWithACiphertextIsNotTold() throws {
        try withToken { _, directory, provider in
            try Faulty.whileLoaded(provider) {
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.rsa(bits: 2048), random: &random)
                let ciphertext = try encrypted([7, 8, 9], to: &key, in: directory)
                provider.failure = nil
                for result in [
                    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED,
                    CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_HOST_MEMORY,
                ] {
                    Faulty.fail(.decrypt, CK_RV(result))
                    #expect(throws: CryptoError.decryptionFailed) { try decrypted(ciphertext, &key) }
                    #expect(provider.failure == nil)
                }
                Faulty.mend()
                #expect(try decrypted(ciphertext, &key) == [7, 8, 9])
                #expect(try decrypted(ciphertext, &key, capacity: 3) == [7, 8, 9])
                #expect(throws: CryptoError.decryptionFailed) { try decrypted(ciphertext, &key, capacity: 2) }
                // A size that cannot be is none.
                Faulty.state.withLock { $0.size = 257 }
                #expect(try decrypted(ciphertext, &key).count == 256)
                // Before the token has the ciphertext, its words are about something else.
                for result in [CKR_HOST_MEMORY, CKR_DEVICE_MEMORY, CKR_DEVICE_ERROR] {
                    Faulty.fail(.decryptInit, CK_RV(result))
                    #expect(failure { _ = try decrypted(ciphertext, &key) } == .token(.function(.decrypt, result)))
                }
            }
        }
    }

    /// A signature of another size than it can have is none.
    @Test func signaturesHaveTheirSize() throws {
        try withToken { _, _, provider in
            try Faulty.whileLoaded(provider) {
                for (algorithm, good, bad) in [
                    (.rsa(bits: 2048), [256, 300], [0, 255]), (.p256, [64, 65], [0, 1, 63]),
                ] as [(KeyAlgorithm, [CK_ULONG], [CK_ULONG])] {
                    Faulty.mend()
                    var random = try seededRandom()
                    var key = GatewayKey()
                    try key.generate(algorithm, random: &random)
                    let pem = try publicPEM(&key)
                    for size in good {
                        Faulty.state.withLock { $0.size = size }
                        #expect(try signs(&key, as: pem), "\(size)")
                    }
                    for size in bad {
                        Faulty.state.withLock { $0.size = size }
                        #expect(failure { _ = try signed(&key) } == .crypto(.failed), "\(size)")
                    }
                }
            }
        }
    }

    /// A PIN that a token refuses is never tried again, in whichever words it says so; a failure that says nothing of the
    /// PIN is no refusal.
    @Test(
        arguments: [
            (CKR_PIN_INCORRECT, .wrongPIN, true), (CKR_PIN_INVALID, .wrongPIN, true),
            (CKR_PIN_LEN_RANGE, .wrongPIN, true), (CKR_PIN_LOCKED, .pinLocked, true),
            (CKR_USER_ALREADY_LOGGED_IN, nil, false), (CKR_DEVICE_ERROR, .function(.login, CKR_DEVICE_ERROR), false),
            (CKR_PIN_EXPIRED, .function(.login, CKR_PIN_EXPIRED), false),
        ] as [(UInt, TokenFailure?, Bool)])
    func whatATokenSaysOfAPIN(result: UInt, expected: TokenFailure?, isRefused: Bool) throws {
        try withToken { _, directory, provider in
            try Faulty.whileLoaded(provider) {
                Faulty.fail(.logIn, CK_RV(result))
                #expect(failure { try provider.check() } == expected.map { .token($0) })
                let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
                #expect(names.filter { $0.hasPrefix("pin") } == (isRefused ? ["pin-refused"] : []))
                // This run of the program, and the next.
                Faulty.mend()
                let count = Faulty.state.withLock { $0.logInCount }
                #expect(failure { try provider.check() } == (isRefused ? expected.map { .token($0) } : nil))
                provider.close()
                #expect(failure { try provider.check() } == (isRefused ? .token(.pinRefusedBefore) : nil))
                #expect((Faulty.state.withLock { $0.logInCount } > count) == !isRefused)
            }
        }
    }
}
