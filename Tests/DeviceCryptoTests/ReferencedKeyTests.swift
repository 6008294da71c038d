import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// What the core asks of a key that it cannot read: see ``ReferencedKey``.
@Suite struct ReferencedKeyTests {
    private func contentKey(_ key: inout ReferencedKey, _ ciphertext: [UInt8], size: Int) throws(CryptoError) -> [UInt8]
    {
        var random = try seededRandom()
        return try output(size) { (buffer) throws(CryptoError) in
            try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
            return size
        }
    }

    private func encrypt(_ plaintext: [UInt8], to key: borrowing ReferencedKey) throws -> [UInt8] {
        let pem = try key.publicPEM()
        return try withTemporaryDirectory { directory in
            try OpenSSL.run([
                "pkeyutl", "-encrypt", "-pubin", "-inkey", directory.write(pem, to: "pub"), "-in",
                directory.write(plaintext, to: "in"),
            ])
        }
    }

    @Test(arguments: [8, 16, 24, 32]) func contentKeysAreTakenOut(size: Int) throws {
        var key = ReferencedKey()
        try key.generate(.rsa(bits: 2048))
        var random = SeededGenerator(seed: UInt64(size))
        let contentKey = random.bytes(size)
        let ciphertext = try encrypt(contentKey, to: key)
        #expect(try self.contentKey(&key, ciphertext, size: size) == contentKey)
    }

    /// RFC 3218, 2.3.2: what is wrong does not show, and asking twice tells nothing.
    @Test func failuresDoNotShow() throws {
        var key = ReferencedKey()
        try key.generate(.rsa(bits: 2048))
        let right = [UInt8](repeating: 0x77, count: 16)
        let ciphertext = try encrypt(right, to: key)
        // Of another size, and damaged: all the same to who asks.
        var wrong = try [
            encrypt(right + [1], to: key), encrypt(Array(right.dropLast()), to: key), encrypt([], to: key),
        ]
        for position in [1, 100, 255] {
            var damaged = ciphertext
            damaged[position] ^= 1
            wrong.append(damaged)
        }
        var seen: Set<[UInt8]> = [right]
        for ciphertext in wrong {
            let substitute = try contentKey(&key, ciphertext, size: 16)
            #expect(try contentKey(&key, ciphertext, size: 16) == substitute)
            #expect(substitute != [UInt8](repeating: 0, count: 16))
            seen.insert(substitute)
        }
        #expect(seen.count == wrong.count + 1, "each has its own")
        // Another key's are others: they depend on the secret.
        var other = ReferencedKey()
        try other.generate(.rsa(bits: 2048))
        let (ours, theirs) = try (contentKey(&key, wrong[3], size: 16), contentKey(&other, wrong[3], size: 16))
        #expect(ours != theirs)
    }

    @Test func whatAnybodyCanSeeIsRefused() throws {
        var key = ReferencedKey()
        try key.generate(.rsa(bits: 2048))
        let ciphertext = try encrypt([1], to: key)
        #expect(throws: CryptoError.decryptionFailed) { try contentKey(&key, ciphertext.dropLast(), size: 16) }
        #expect(throws: CryptoError.decryptionFailed) { try contentKey(&key, ciphertext + [0], size: 16) }
        #expect(throws: CryptoError.invalidLength) { try contentKey(&key, ciphertext, size: 0) }
        #expect(throws: CryptoError.invalidLength) { try contentKey(&key, ciphertext, size: 33) }
        try key.generate(.p256)
        #expect(throws: CryptoError.unsupported) { try contentKey(&key, ciphertext, size: 16) }
        key.forget()
        #expect(throws: CryptoError.self) { try contentKey(&key, ciphertext, size: 16) }
    }
}
