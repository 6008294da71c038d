import CPKCS11
import DeviceCrypto
import Foundation
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

extension KeyTests {
    /// Keys on a token (PKCS #11), with SoftHSM as the module.
    @Suite struct TokenKeyTests {
        /// Runs `body` with a token and settings for it.
        func withToken<Result>(
            pin: String? = nil, _ body: (SoftHSM, URL, KeyProvider) throws -> Result
        ) throws -> Result {
            let token = try SoftHSM("gate \(UUID().uuidString.prefix(8))")
            defer { try? token.remove() }
            return try withTemporaryDirectory { directory in
                try withProvider(settings(token, directory, pin: pin)) { try body(token, directory, $0) }
            }
        }

        func settings(_ token: SoftHSM, _ directory: URL, pin: String? = nil) throws -> KeySettings {
            var settings = KeySettings()
            var tokenSettings = TokenSettings()
            tokenSettings.module = Array(SoftHSM.module.utf8)
            tokenSettings.label = Array(token.label.utf8)
            tokenSettings.keyLabel = Array("scep".utf8)
            tokenSettings.pin = Array((pin ?? token.pin).utf8)
            tokenSettings.folder = Array(directory.path.utf8)
            try FileManager.default.createDirectory(
                at: directory.appending(path: "store"), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            settings.token = tokenSettings
            return settings
        }

        func failure(_ body: () throws -> Void) -> KeyFailure? {
            KeyTests.provider.failure = nil
            do {
                try body()
            } catch let failure as KeyFailure {
                return failure
            } catch {
                return KeyTests.provider.failure
            }
            return nil
        }

        private func words(_ failure: KeyFailure?) -> String {
            var text: [UInt8] = []
            failure?.write(to: &text)
            return String(decoding: text, as: UTF8.self)
        }

        /// Makes a key on the token.
        func generated(_ algorithm: KeyAlgorithm) throws -> [UInt8] {
            // No two keys of one identifier: a byte of chance would be the same for two of four once in forty times.
            var random = RandomGenerator()
            let seed = (0..<48).map { _ in UInt8.random(in: .min ... .max) }
            try random.seed(seed.span, personalization: Span())
            var key = GatewayKey()
            try key.generate(algorithm, random: &random)
            let isOnToken = key.isOnToken
            #expect(isOnToken)
            return try kept(&key)
        }

        func reference(_ bytes: [UInt8]) -> TokenReference? { TokenReference(bytes.span) }

        func load(_ bytes: [UInt8]) throws {
            var key = GatewayKey()
            try key.load(bytes.span)
        }

        /// The public key in PEM, of what the key itself says.
        func publicPEM(_ key: inout GatewayKey) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 512)
            var buffer = bytes.mutableSpan
            let count = try key.publicKey(into: &buffer)
            let body = Array(bytes.prefix(count))
            let der: [UInt8]
            switch key.algorithm {
            case .rsa:
                let integers = ([0] + body).tagged(0x02) + [0x02, 0x03, 0x01, 0x00, 0x01]
                der =
                    ([UInt8](hex: "300D06092A864886F70D0101010500") + ([0] + integers.tagged(0x30)).tagged(0x03))
                    .tagged(0x30)
            case .p256:
                der = ([UInt8](hex: "301306072A8648CE3D020106082A8648CE3D030107") + ([0] + body).tagged(0x03)).tagged(
                    0x30)
            case .p384:
                der = ([UInt8](hex: "301006072A8648CE3D020106052B81040022") + ([0] + body).tagged(0x03)).tagged(0x30)
            }
            return try OpenSSL.run(["pkey", "-pubin", "-inform", "DER", "-pubout"], input: der)
        }

        // MARK: Making and using

        @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .p256, .p384])
        func aKeyIsMadeOnTheTokenAndNeverLeavesIt(algorithm: KeyAlgorithm) throws {
            try withToken { token, _, provider in
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(algorithm, random: &random)
                let made = key.algorithm
                #expect(made == algorithm)
                let pem = try publicPEM(&key)
                for digest in [DigestAlgorithm.sha1, .sha256, .sha384, .sha512] {
                    #expect(try signs(&key, as: pem, digest))
                }
                // Another run of the program.
                let bytes = try kept(&key)
                #expect(bytes[0] == 0x10)
                provider.close()
                var again = GatewayKey()
                try again.load(bytes.span)
                let found = again.algorithm
                #expect(found == algorithm)
                #expect(try signs(&again, as: pem))

                // The module gives what is public, and refuses what is not.
                let reference = try #require(self.reference(bytes))
                let isRSA = reference.publicExponent != 0
                let secrets = isRSA ? [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_EXPONENT_1] : [CKA_VALUE]
                for secret in secrets {
                    var result = CKR_OK
                    try provider.openToken().call(.getAttributeValue) { session in
                        session.withKey(reference) { handle in
                            var value = [UInt8](repeating: 0, count: 1024)
                            var count = CK_ULONG(value.count)
                            result = pkcs11_attribute(session.module, session.handle, handle, secret, &value, &count)
                            #expect(value.allSatisfy { $0 == 0 })
                            return CKR_OK
                        }
                    }
                    #expect(result == CKR_ATTRIBUTE_SENSITIVE)
                }
                // And so says another program.
                let listing = try token.tool(["--list-objects", "--type", "privkey"])
                #expect(listing.contains("Access:     sensitive, always sensitive, never extractable, local"))
                #expect(listing.contains("label:      scep"))
            }
        }

        @Test(arguments: [RSAPadding.pkcs1v15, .oaep(.sha1)])
        func whatOpensslEncryptsIsDecrypted(padding: RSAPadding) throws {
            try withToken { _, directory, _ in
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.rsa(bits: 2048), random: &random)
                let mode = padding == .pkcs1v15 ? "pkcs1" : "oaep"
                let secret = random32(7)
                let file = try directory.write(publicPEM(&key), to: "public")
                let ciphertext = try OpenSSL.run(
                    ["pkeyutl", "-encrypt", "-pubin", "-inkey", file, "-pkeyopt", "rsa_padding_mode:\(mode)"],
                    input: secret)
                func decrypt(_ ciphertext: [UInt8]) throws -> [UInt8] {
                    var plain = [UInt8](repeating: 0, count: 256)
                    var buffer = plain.mutableSpan
                    let count = try key.decrypt(padding, ciphertext.span, into: &buffer, random: &random)
                    return Array(plain.prefix(count))
                }
                #expect(try decrypt(ciphertext) == secret)
                var damaged = ciphertext
                damaged[200] ^= 1
                #expect(throws: CryptoError.decryptionFailed) { try decrypt(damaged) }
                #expect(throws: CryptoError.decryptionFailed) { try decrypt(Array(ciphertext.prefix(255))) }
                // After a failure the key still works.
                #expect(try decrypt(ciphertext) == secret)
                #expect(KeyTests.provider.failure == nil)
            }
        }

        /// RFC 3218, 2.3.2: a wrong ciphertext gives a key that looks like any, the same every time.
        @Test func unwrappingDoesNotTellWhetherThePaddingWasRight() throws {
            try withToken { _, directory, _ in
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.rsa(bits: 2048), random: &random)
                let file = try directory.write(publicPEM(&key), to: "public")
                let secret = random32(9)
                let right = try OpenSSL.run(["pkeyutl", "-encrypt", "-pubin", "-inkey", file], input: secret)
                let short = try OpenSSL.run(
                    ["pkeyutl", "-encrypt", "-pubin", "-inkey", file], input: Array(secret.prefix(16)))
                var wrong = right
                wrong[100] ^= 1
                func unwrap(_ ciphertext: [UInt8], _ key: inout GatewayKey) throws -> [UInt8] {
                    var content = [UInt8](repeating: 0, count: 32)
                    var buffer = content.mutableSpan
                    var random = try seededRandom()
                    try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
                    return content
                }
                #expect(try unwrap(right, &key) == secret)
                let substitutes = try [unwrap(wrong, &key), unwrap(short, &key)]
                for substitute in substitutes {
                    #expect(substitute != secret && substitute.prefix(16) != secret.prefix(16))
                    #expect(Set(substitute).count > 8)
                }
                #expect(substitutes[0] != substitutes[1])
                #expect(try unwrap(wrong, &key) == substitutes[0])
                #expect(KeyTests.provider.failure == nil)
            }
        }

        private func random32(_ seed: UInt64) -> [UInt8] {
            var random = SeededGenerator(seed: seed)
            return random.bytes(32)
        }

        @Test func whatIsPublishedIsAURIWithoutThePIN() throws {
            try withToken { token, _, _ in
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.p256, random: &random)
                let text = String(decoding: try key.published(random: &random), as: UTF8.self)
                let reference = try #require(try self.reference(kept(&key)))
                let identifier = reference.identifier.map { "%" + [$0].hex }.joined()
                let name = token.label.replacingOccurrences(of: " ", with: "%20")
                #expect(text == "pkcs11:token=\(name);object=scep;id=\(identifier);type=private\n")
                #expect(!text.contains(token.pin))
            }
        }

        @Test func aLostSessionIsOpenedAgain() throws {
            try withToken { token, _, provider in
                let bytes = try generated(.p256)
                var key = GatewayKey()
                try key.load(bytes.span)
                let pem = try publicPEM(&key)
                // Behind the back of the key, all sessions are closed, and the user is logged out with them.
                for _ in 0..<2 {
                    try provider.openToken().call(.openSession) { session in
                        pkcs11_close(session.module, session.handle)
                    }
                    #expect(try signs(&key, as: pem))
                }
                #expect(try !token.hasSeenWrongPIN())
            }
        }

        // MARK: PINs

        @Test func aWrongPINIsTriedOnceAndNeverAgain() throws {
            try withToken(pin: "000000") { token, directory, provider in
                func generate() -> KeyFailure? { failure { _ = try generated(.p256) } }
                let refused = directory.appending(path: "pin-refused")
                #expect(try !token.hasSeenWrongPIN())
                #expect(generate() == .token(.wrongPIN))
                #expect(words(provider.failure).contains("it is not tried again"))
                #expect(try token.hasSeenWrongPIN())
                // Somebody logs in, which clears the token's memory of it, so that one more would show.
                try token.tool(["--list-objects"])
                #expect(try !token.hasSeenWrongPIN())
                #expect(generate() == .token(.wrongPIN))
                #expect(try !token.hasSeenWrongPIN())
                // The next run of the program.
                for _ in 0..<3 {
                    provider.close()
                    #expect(generate() == .token(.pinRefusedBefore))
                    #expect(try !token.hasSeenWrongPIN())
                }
                // What is remembered tells nobody the PIN.
                let remembered = try Data(contentsOf: refused)
                #expect(remembered.count == 48 && remembered.range(of: Data("000000".utf8)) == nil)
                let mode = try FileManager.default.attributesOfItem(atPath: refused.path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                // Another wrong one is tried, once; the first stays refused.
                provider.settings.token?.pin = Array("111111".utf8)
                provider.close()
                #expect(generate() == .token(.wrongPIN))
                provider.close()
                #expect(generate() == .token(.pinRefusedBefore))
                provider.settings.token?.pin = Array("000000".utf8)
                provider.close()
                #expect(generate() == .token(.pinRefusedBefore))
                // The right one is, and all is forgotten.
                provider.settings.token?.pin = Array(token.pin.utf8)
                provider.close()
                #expect(generate() == nil)
                #expect(!FileManager.default.fileExists(atPath: refused.path))
                #expect(!FileManager.default.fileExists(atPath: refused.path + ".new"))
            }
        }

        /// A refusal that cannot be remembered would be repeated by every run.
        @Test func noPINIsTriedThatCouldNotBeRemembered() throws {
            try withToken(pin: "000000") { token, directory, provider in
                provider.settings.token?.folder = Array(directory.appending(path: "absent").path.utf8)
                #expect(failure { try provider.check() } == .token(.cannotRemember(ENOENT)))
                let seen = try token.hasSeenWrongPIN()
                #expect(!seen)
            }
        }

        // MARK: What is not there

        @Test func aTokenWithoutTheKeyIsNamed() throws {
            try withToken { token, _, provider in
                let bytes = try generated(.p256)
                let identifier = try #require(self.reference(bytes)).identifier.hex
                try token.tool(["--delete-object", "--type", "privkey", "--id", identifier])
                provider.close()
                #expect(failure { try load(bytes) } == .token(.keyAbsent))
                #expect(words(.token(.keyAbsent)) == "the token does not have the key")
            }
        }

        @Test func anotherKeyInItsPlaceIsNoticed() throws {
            try withToken { token, directory, provider in
                let bytes = try generated(.p256)
                let identifier = try #require(self.reference(bytes)).identifier.hex
                try token.tool(["--delete-object", "--type", "privkey", "--id", identifier])
                try token.tool(["--delete-object", "--type", "pubkey", "--id", identifier])
                try token.tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", identifier, "--label", "scep"])
                provider.close()
                #expect(failure { try load(bytes) } == .token(.otherKey))
                // Also where the public key is not on the token.
                try token.tool(["--delete-object", "--type", "pubkey", "--id", identifier])
                provider.close()
                #expect(failure { try load(bytes) } == .token(.otherKey))
            }
        }

        @Test func aKeyWhosePublicHalfIsGoneIsKnownByItsSignature() throws {
            try withToken { token, _, provider in
                let bytes = try generated(.p384)
                let identifier = try #require(self.reference(bytes)).identifier.hex
                try token.tool(["--delete-object", "--type", "pubkey", "--id", identifier])
                provider.close()
                #expect(failure { try load(bytes) } == nil)
            }
        }

        @Test func anAbsentTokenOrModuleIsNamed() throws {
            try withToken { token, directory, provider in
                let bytes = try generated(.p256)
                provider.close()
                provider.settings.token?.label = Array("nobody".utf8)
                #expect(failure { try load(bytes) } == .token(.tokenAbsent))
                provider.close()
                // No label is the front of another.
                provider.settings.token?.label = Array("gate".utf8)
                #expect(failure { try load(bytes) } == .token(.tokenAbsent))
                provider.close()
                let twin = try SoftHSM(token.label)
                provider.settings.token?.label = Array(token.label.utf8)
                #expect(failure { try load(bytes) } == .token(.severalTokens))
                try? twin.remove()
                provider.close()
                provider.settings.token?.module = Array("/nowhere/module.so".utf8)
                let result = failure { try load(bytes) }
                guard case .token(.moduleNotLoaded) = result else {
                    Issue.record("\(String(describing: result))")
                    return
                }
                #expect(words(result).contains("/nowhere/module.so: cannot open shared object file"))
                // A library that is no module.
                provider.settings.token?.module = Array("libm.so.6".utf8)
                #expect(failure { try load(bytes) } == .token(.notAModule))
                provider.settings.token = nil
                #expect(failure { try load(bytes) } == .tokenMissing)
                #expect(failure { try load(Array(bytes.dropLast())) } == .damaged)
            }
        }

        // MARK: Existing keys, and old ones

        @Test(arguments: ["rsa:2048", "EC:prime256v1"]) func anExistingKeyIsTaken(kind: String) throws {
            try withToken { token, _, provider in
                provider.settings.token?.existingLabel = Array("made before".utf8)
                #expect(failure { _ = try generated(.p384) } == .token(.keyAbsent))
                try token.tool(["--keypairgen", "--key-type", kind, "--label", "made before", "--id", "0A0B"])
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.p384, random: &random)
                let algorithm = key.algorithm
                #expect(algorithm == (kind == "rsa:2048" ? .rsa(bits: 2048) : .p256))
                let pem = try publicPEM(&key)
                #expect(try signs(&key, as: pem))
                let bytes = try kept(&key)
                provider.close()
                var again = GatewayKey()
                try again.load(bytes.span)
                #expect(try publicPEM(&again) == pem)
                try token.tool(["--keypairgen", "--key-type", kind, "--label", "made before", "--id", "0A0C"])
                provider.close()
                #expect(failure { _ = try generated(.p384) } == .token(.severalKeys))
            }
        }

        @Test func oldKeysAreDestroyedAndNothingElse() throws {
            try withToken { token, _, provider in
                let keys = try (0..<3).map { _ in try generated(.p256) }
                // With our label, but not of our making.
                try token.tool(["--keypairgen", "--key-type", "EC:prime256v1", "--label", "scep", "--id", "0A0B"])
                try token.tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "scep", "--id",
                    String(repeating: "5A", count: 16),
                ])
                // Of another gateway that shares the token.
                provider.close()
                let folder = provider.settings.token?.folder ?? []
                let store = try withTemporaryDirectory { other in
                    provider.settings.token?.folder = Array(other.path.utf8)
                    try FileManager.default.createDirectory(
                        at: other.appending(path: "store"), withIntermediateDirectories: false)
                    return try generated(.p256)
                }
                provider.settings.token?.folder = folder
                provider.close()
                func count() throws -> Int {
                    try token.tool(["--list-objects", "--type", "privkey"]).components(separatedBy: "Private Key").count
                        - 1
                }
                #expect(try count() == 6)
                // A reference that cannot be read destroys nothing.
                #expect(throws: KeyFailure.damaged) {
                    try provider.destroyOrphans(keeping: [Array(keys[1].dropLast())])
                }
                #expect(try count() == 6)
                // Two pairs go.
                #expect(try provider.destroyOrphans(keeping: [keys[1], [1, 2, 3]]) == 4)
                #expect(try provider.destroyOrphans(keeping: [keys[1]]) == 0)
                #expect(try count() == 4)
                #expect(failure { try load(keys[0]) } == .token(.keyAbsent))
                #expect(failure { try load(keys[1]) } == nil)
                #expect(failure { try load(keys[2]) } == .token(.keyAbsent))
                #expect(failure { try load(store) } == nil)
            }
        }

        /// How many private keys there are, as OpenSC counts.
        func count(_ token: SoftHSM) throws -> Int {
            try token.tool(["--list-objects", "--type", "privkey"]).components(separatedBy: "Private Key").count - 1
        }

        /// Two machines of one image share label, folder and machine-id; here even the folder is the same one, with a store
        /// of its own each.
        @Test func aStoreOfItsOwnDestroysNothingOfAnother() throws {
            try withToken { token, directory, provider in
                let store = directory.appending(path: "store")
                let other = directory.appending(path: "other")
                let live = try generated(.p256)
                try FileManager.default.moveItem(at: store, to: other)
                try FileManager.default.createDirectory(at: store, withIntermediateDirectories: false)
                let keys = try (0..<2).map { _ in try generated(.p256) }
                #expect(try provider.destroyOrphans(keeping: [keys[1]]) == 2)
                #expect(failure { try load(live) } == nil)
                // And back.
                try FileManager.default.removeItem(at: store)
                try FileManager.default.moveItem(at: other, to: store)
                #expect(try provider.destroyOrphans(keeping: [live]) == 0)
                #expect(failure { try load(keys[1]) } == nil)
                #expect(try provider.destroyOrphans(keeping: []) == 2)
                #expect(try count(token) == 1)
            }
        }

        /// Each row: what becomes of the store. Whoever cannot prove whose keys they are leaves them.
        @Test(arguments: [
            "rm owner", ": > owner", "head -c 31 owner > o; mv o owner; chmod 600 owner",
            "cp -p owner o; mv o owner", "chmod 644 owner", "ln owner o; rm owner; ln -s o owner",
            "head -c 32 /dev/zero > owner",
        ]) func whoLostTheirNumberDestroysNothing(script: String) throws {
            try withToken { token, directory, provider in
                let store = directory.appending(path: "store").path
                let keys = try (0..<2).map { _ in try generated(.p256) }
                try SoftHSM.run("/bin/sh", ["-c", "cd '\(store)' && \(script)"])
                #expect(try provider.destroyOrphans(keeping: [keys[1]]) == 0)
                #expect(try count(token) == 2)
                // With a number of its own again it clears away what it makes from then on.
                let more = try (0..<2).map { _ in try generated(.p256) }
                #expect(try provider.destroyOrphans(keeping: [keys[1], more[1]]) == 2)
                #expect(try count(token) == 3)
                #expect(failure { try load(keys[0]) } == nil)
                #expect(failure { try load(more[1]) } == nil)
                let mode = try FileManager.default.attributesOfItem(atPath: store + "/owner")[.posixPermissions] as? Int
                #expect(mode == 0o600)
            }
        }

        /// As versions up to 0.4 marked keys: whose they are cannot be proven.
        @Test func keysOfOldMarksStay() throws {
            try withToken { token, directory, provider in
                let random: [UInt8] = Array(1...12)
                let machine = (try? Data(contentsOf: URL(fileURLWithPath: "/etc/machine-id"))).map {
                    Array($0.prefix(32))
                }
                let owner = Array("scep\0\(directory.path)\0".utf8) + (machine ?? [])
                let digest = Hash.digest(.sha256, of: (random + owner).span)
                let identifier = random + [UInt8](digest.bytes.extracting(first: 4))
                try token.tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "scep", "--id", identifier.hex,
                ])
                let key = try generated(.p256)
                #expect(try provider.destroyOrphans(keeping: [key]) == 0)
                #expect(try count(token) == 2)
            }
        }

        @Test func noKeyIsMadeWhoseOwnerCannotBeNoted() throws {
            try withToken { token, directory, provider in
                try FileManager.default.removeItem(at: directory.appending(path: "store"))
                #expect(failure { _ = try generated(.p256) } == .token(.ownerNotKept(ENOENT)))
                #expect(try count(token) == 0)
            }
        }
    }
}
