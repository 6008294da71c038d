import Bytes
import CPKCS11
import DER
import DeviceCrypto
import Output
import PKIX

extension Token {
    // MARK: Making and finding

    /// Makes a key that never leaves the token.
    func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(KeyFailure) -> TokenReference {
        let identifier = try KeyMark(making: settings, random: &random).newIdentifier(random: &random)
        var publicTemplate = TokenTemplate()
        var privateTemplate = TokenTemplate()
        publicTemplate.add(CKA_TOKEN, true)
        publicTemplate.add(CKA_PRIVATE, false)
        publicTemplate.add(CKA_VERIFY, true)
        privateTemplate.add(CKA_TOKEN, true)
        privateTemplate.add(CKA_PRIVATE, true)
        privateTemplate.add(CKA_SENSITIVE, true)
        privateTemplate.add(CKA_EXTRACTABLE, false)
        privateTemplate.add(CKA_SIGN, true)
        let mechanism: CK_MECHANISM_TYPE
        switch algorithm {
        case .rsa(let bits):
            guard RSAPrivateKey.permittedBits.contains(bits), bits.isMultiple(of: 64) else {
                throw .crypto(.invalidKey)
            }
            mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN
            publicTemplate.add(CKA_MODULUS_BITS, CK_ULONG(bits))
            publicTemplate.add(CKA_PUBLIC_EXPONENT, [1, 0, 1])
            publicTemplate.add(CKA_ENCRYPT, true)
            privateTemplate.add(CKA_DECRYPT, true)
        case .p256, .p384:
            mechanism = CKM_EC_KEY_PAIR_GEN
            publicTemplate.add(CKA_EC_PARAMS, Self.curve(algorithm))
        }
        publicTemplate.add(CKA_LABEL, settings.keyLabel)
        publicTemplate.add(CKA_ID, identifier)
        privateTemplate.add(CKA_LABEL, settings.keyLabel)
        privateTemplate.add(CKA_ID, identifier)
        try call(.generateKeyPair) { session in
            unsafe publicTemplate.withAttributes { publicKey, publicCount in
                unsafe privateTemplate.withAttributes { privateKey, privateCount in
                    unsafe pkcs11_generate(
                        session.module, session.handle, mechanism, publicKey, publicCount, privateKey, privateCount)
                }
            }
        }
        let reference = try describe(identifier: identifier, label: settings.keyLabel)
        guard reference.algorithm == algorithm else { throw .token(.unsuitableKey) }
        return reference
    }

    /// Finds the one key with a label that somebody else has made.
    func find(label: [UInt8]) throws(KeyFailure) -> TokenReference {
        var identifiers: [[UInt8]] = []
        try call(.findObjects) { session in
            identifiers = []
            var template = TokenTemplate()
            template.add(CKA_CLASS, CKO_PRIVATE_KEY)
            template.add(CKA_LABEL, label)
            var objects: [CK_OBJECT_HANDLE] = []
            let result = session.find(&template, &objects)
            for object in objects { identifiers.append(session.attribute(CKA_ID, of: object)) }
            return result
        }
        guard identifiers.count < 2 else { throw .token(.severalKeys) }
        guard let identifier = identifiers.first else { throw .token(.keyAbsent) }
        // A longer one does not fit into a reference.
        return try describe(identifier: identifier.count <= 255 ? identifier : [], label: label)
    }

    /// The reference to a key with all that is public of it.
    private func describe(identifier: [UInt8], label: [UInt8]) throws(KeyFailure) -> TokenReference {
        var reference = TokenReference(
            identifier: identifier, label: label, algorithm: .p256, publicExponent: 0, publicKey: [])
        try call(.getAttributeValue) { session in
            let wanted = reference
            return session.withKey(wanted) { key in
                session.readPublicKey(of: key, into: &reference)
                return CKR_OK
            }
        }
        guard !reference.publicKey.isEmpty else { throw .token(.unsuitableKey) }
        return reference
    }

    /// Finds a key again, and sees that it is the same: by its public key, or where the token does not give that, by a
    /// signature.
    func check(_ reference: TokenReference) throws(KeyFailure) {
        var found = reference
        try call(.findObjects) { session in
            found.publicKey = []
            return session.withKey(reference) { key in
                session.readPublicKey(of: key, into: &found)
                return CKR_OK
            }
        }
        if found.publicKey.isEmpty {
            guard try proves(reference) else { throw .token(.otherKey) }
        } else {
            guard found.algorithm == reference.algorithm, found.publicExponent == reference.publicExponent,
                areEqual(found.publicKey.span, reference.publicKey.span)
            else { throw .token(.otherKey) }
        }
    }

    private func proves(_ reference: TokenReference) throws(KeyFailure) -> Bool {
        let digest = Hash.digest(.sha256, of: span(of: "Is this still the same key?"))
        let signature = try sign(digest, reference)
        do throws(CryptoError) {
            switch reference.algorithm {
            case .rsa:
                var exponent: [UInt8] = []
                for index in 0..<4 {
                    exponent.append(UInt8(truncatingIfNeeded: reference.publicExponent &>> UInt32(24 &- 8 &* index)))
                }
                try RSAPublicKey.verify(
                    modulus: reference.publicKey.span, exponent: exponent.span, digest: digest,
                    signature: signature.span)
            case .p256, .p384:
                try ECPublicKey.verify(
                    curve: reference.algorithm == .p256 ? .p256 : .p384, point: reference.publicKey.span,
                    digest: digest, signature: signature.span)
            }
        } catch {
            return false
        }
        return true
    }

    /// ECParameters in DER.
    static func curve(_ algorithm: KeyAlgorithm) -> [UInt8] {
        (try? encoded { writer throws(DERError) in
            try writer.write(algorithm == .p256 ? .secp256r1 : .secp384r1)
        }) ?? []
    }

    /// What a token gets, or what it gave, in DER: less than 128 bytes.
    private static func encoded(
        _ body: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 128)
        var buffer = bytes.mutableSpan
        var writer = DERWriter(&buffer, end: buffer.count)
        try body(&writer)
        return [UInt8](writer.written)
    }

    // MARK: Using

    /// Signs a digest.
    ///
    /// - Returns: RSA: as many bytes as the modulus has; EC: an Ecdsa-Sig-Value in DER.
    func sign(_ digest: Digest, _ reference: TokenReference) throws(KeyFailure) -> [UInt8] {
        let input: [UInt8]
        let mechanism: CK_MECHANISM_TYPE
        let capacity: Int
        do throws(DERError) {
            switch reference.algorithm {
            case .rsa:
                // DigestInfo (RFC 8017, 9.2), which CKM_RSA_PKCS only pads.
                input = try Self.encoded { writer throws(DERError) in
                    try writer.write(.sequence) { (writer) throws(DERError) in
                        try writer.write(.octetString, digest.bytes)
                        try writer.write(algorithm: digest.algorithm.identifier, null: true)
                    }
                }
                mechanism = CKM_RSA_PKCS
                capacity = reference.publicKey.count
            case .p256, .p384:
                // What is longer than the order of the group is cut (FIPS 186-4, 6.4); not every token does that.
                let size = reference.publicKey.count / 2
                input = [UInt8](digest.bytes.extracting(first: min(size, digest.bytes.count)))
                mechanism = CKM_ECDSA
                capacity = 2 &* size
            }
        } catch {
            throw .badKey(error)
        }
        var signature: [UInt8] = []
        try call(.sign) { session in
            session.withKey(reference) { key in
                signature = [UInt8](repeating: 0, count: capacity)
                var size = CK_ULONG(capacity)
                let result = unsafe signature.withUnsafeMutableBufferPointer { signature in
                    unsafe input.withUnsafeBufferPointer { input in
                        unsafe pkcs11_sign(
                            session.module, session.handle, key, mechanism, input.baseAddress, CK_ULONG(input.count),
                            signature.baseAddress, &size)
                    }
                }
                signature.removeLast(capacity - Int(min(size, CK_ULONG(capacity))))
                return result
            }
        }
        let count = signature.count
        if case .rsa = reference.algorithm {
            guard count == capacity else { throw .crypto(.failed) }
            return signature
        }
        guard count > 0, count.isMultiple(of: 2) else { throw .crypto(.failed) }
        do throws(DERError) {
            return try Self.encoded { writer throws(DERError) in
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(unsignedInteger: signature.span.extracting((count / 2)..<count))
                    try writer.write(unsignedInteger: signature.span.extracting(first: count / 2))
                }
            }
        } catch {
            throw .badKey(error)
        }
    }

    /// Decrypts with RSA.
    ///
    /// - Parameter plaintext: space for as many bytes as the modulus has.
    /// - Returns: how many bytes were written; nil for whatever the token says once it was given the ciphertext, unless the
    ///   session was lost.
    func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, _ reference: TokenReference, into plaintext: inout [UInt8]
    ) throws(KeyFailure) -> Int? {
        let (hash, mask) =
            switch padding {
            case .pkcs1v15: (CK_MECHANISM_TYPE(0), CK_ULONG(0))
            case .oaep(.sha1): (CKM_SHA_1, CKG_MGF1_SHA1)
            case .oaep(.sha256): (CKM_SHA256, CKG_MGF1_SHA256)
            case .oaep(.sha384): (CKM_SHA384, CKG_MGF1_SHA384)
            case .oaep(.sha512): (CKM_SHA512, CKG_MGF1_SHA512)
            }
        let input = [UInt8](ciphertext)
        var count: Int?
        try call(.decrypt) { session in
            count = nil
            return session.withKey(reference) { key in
                var result = unsafe pkcs11_decrypt_begin(session.module, session.handle, key, hash, mask)
                guard result == CKR_OK else { return result }
                var size = CK_ULONG(plaintext.count)
                result = unsafe plaintext.withUnsafeMutableBufferPointer { plaintext in
                    unsafe input.withUnsafeBufferPointer { input in
                        unsafe pkcs11_decrypt(
                            session.module, session.handle, input.baseAddress, CK_ULONG(input.count),
                            plaintext.baseAddress, &size)
                    }
                }
                switch result {
                case CKR_OK:
                    count = Int(min(size, CK_ULONG(plaintext.count)))
                    return CKR_OK
                // Modules have many words for wrong padding, and none of them may be told apart from the others: an error of
                // the device may be one. That the session is gone has nothing to do with the ciphertext.
                default: return Self.isLost(result) ? result : CKR_OK
                }
            }
        }
        return count
    }

    // MARK: Cleaning up

    /// Destroys keys of this gateway's making that nothing refers to any more.
    ///
    /// - Parameter kept: identifiers of those that stay.
    /// - Returns: how many objects were destroyed.
    func destroyOrphans(keeping kept: [[UInt8]]) throws(KeyFailure) -> Int {
        // Whoever has no number any more cannot tell what is theirs.
        guard let mark = KeyMark(settings) else { return 0 }
        var destroyed = 0
        for kind in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            try call(.destroyObject) { session in
                var template = TokenTemplate()
                template.add(CKA_CLASS, kind)
                template.add(CKA_LABEL, settings.keyLabel)
                var objects: [CK_OBJECT_HANDLE] = []
                let result = session.find(&template, &objects)
                guard result == CKR_OK else { return result }
                for object in objects {
                    let identifier = session.attribute(CKA_ID, of: object)
                    guard mark.isOn(identifier) else { continue }
                    var isKept = false
                    for other in kept where areEqual(other.span, identifier.span) { isKept = true }
                    guard !isKept else { continue }
                    let result = unsafe pkcs11_destroy(session.module, session.handle, object)
                    guard result == CKR_OK else { return result }
                    destroyed &+= 1
                }
                return CKR_OK
            }
        }
        return destroyed
    }
}

extension Token.Session {
    /// Reads algorithm and public key of a private key; leaves `publicKey` empty where the token does not give it, or
    /// the key is of another kind.
    fileprivate func readPublicKey(of key: CK_OBJECT_HANDLE, into reference: inout TokenReference) {
        let modulus = attribute(CKA_MODULUS, of: key)
        guard modulus.isEmpty else {
            let exponent = attribute(CKA_PUBLIC_EXPONENT, of: key)
            readRSA(modulus, exponent.isEmpty ? publicAttribute(CKA_PUBLIC_EXPONENT, reference) : exponent, &reference)
            return
        }
        let parameters = attribute(CKA_EC_PARAMS, of: key)
        for algorithm in [KeyAlgorithm.p256, .p384] {
            guard areEqual(parameters.span, Token.curve(algorithm).span) else { continue }
            var point = attribute(CKA_EC_POINT, of: key)
            if point.isEmpty { point = publicAttribute(CKA_EC_POINT, reference) }
            // In an OCTET STRING, as the standard has it, or bare, as some tokens have it.
            let size = algorithm.publicKeySize
            guard point.count == size || point.count == size &+ 2, point[point.count &- size] == 4 else { continue }
            reference.algorithm = algorithm
            reference.publicExponent = 0
            reference.publicKey = [UInt8](point.suffix(size))
        }
    }

    private func readRSA(_ modulus: [UInt8], _ exponent: [UInt8], _ reference: inout TokenReference) {
        let modulus = modulus.drop { $0 == 0 }
        let exponent = exponent.drop { $0 == 0 }
        guard let first = modulus.first, 1...4 ~= exponent.count else { return }
        let bits = modulus.count &* 8 &- first.leadingZeroBitCount
        guard RSAPrivateKey.permittedBits.contains(bits), bits.isMultiple(of: 64) else { return }
        var value: UInt32 = 0
        for byte in exponent { value = value &<< 8 | UInt32(byte) }
        reference.algorithm = .rsa(bits: bits)
        reference.publicExponent = value
        reference.publicKey = [UInt8](modulus)
    }

    /// An attribute of the public key that has the same identifier or label.
    private func publicAttribute(_ type: CK_ATTRIBUTE_TYPE, _ reference: TokenReference) -> [UInt8] {
        var template = TokenTemplate()
        template.add(CKA_CLASS, CKO_PUBLIC_KEY)
        if reference.identifier.isEmpty {
            template.add(CKA_LABEL, reference.label)
        } else {
            template.add(CKA_ID, reference.identifier)
        }
        var objects: [CK_OBJECT_HANDLE] = []
        guard find(&template, &objects) == CKR_OK, let first = objects.first else { return [] }
        return attribute(type, of: first)
    }
}
