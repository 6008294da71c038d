import CPKCS11
import DER
import DeviceCrypto
import PKIX
import Testing

@testable import Gateway
@testable import Output

/// What is said of a key or a token that cannot be used: what happened, and what to do.
@Suite struct KeyWordTests {
    private func text(_ failure: KeyFailure) -> String {
        var bytes: [UInt8] = []
        failure.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            (.badPEM(PEM.Failure(kind: .badBegin, line: 3)), "not PEM: a BEGIN line that is malformed in line 3"),
            (
                .badPEM(PEM.Failure(kind: .otherEnd, line: 12)),
                "an END line that does not belong to its BEGIN line in line 12"
            ),
            (.badPEM(PEM.Failure(kind: .endMissing, line: 1)), "a BEGIN line without an END line in line 1"),
            (.badPEM(PEM.Failure(kind: .badBase64, line: 2)), "what is not base64 in line 2"),
            (.badPEM(PEM.Failure(kind: .empty, line: 1)), "nothing between BEGIN and END in line 1"),
            (.noKey, "has no private key in it"), (.severalKeys, "has more than one private key in it"),
            (.legacyEncryption, "convert it with openssl pkcs8 -topk8"),
            (
                .badKey(DERError(.unsupportedAlgorithm, at: 7)),
                "RSA, P-256 or P-384; PBES2 with AES or 3DES (at byte 7)"
            ),
            (.badKey(DERError(.unsupportedKeySize, at: 0)), "RSA keys have 2048 to 4096 bits, a multiple of 64"),
            (
                .badKey(DERError(.crypto(.invalidKey), at: 5)),
                "the numbers of the key do not belong together (at byte 5)"
            ),
            (.badKey(DERError(.truncated, at: 31)), "the key is not one in PKCS #8, PKCS #1 or SEC 1 (at byte 31)"),
            (.passphraseMissing, "key-passphrase-file"), (.wrongPassphrase, "the passphrase does not open the key"),
            (.damaged, "the stored key is damaged"), (.tokenMissing, "name its PKCS #11 module and label"),
            (.crypto(.outOfMemory), "the key cannot be used: out of memory"),
            (.crypto(.unsupported), "the key cannot be used: this algorithm is not supported"),
            (.crypto(.notSeeded), "the key cannot be used: no randomness"),
            (.crypto(.failed), "the key cannot be used: the operation failed"),
            (.token(.moduleNotLoaded(Array("no\u{1B}".utf8))), "the PKCS #11 module cannot be loaded: no\\1B"),
            (.token(.staticProgram), "use the Debian package"), (.token(.notAModule), "no PKCS #11 module"),
            (.token(.tokenAbsent), "no token has this label"), (.token(.severalTokens), "several tokens"),
            (.token(.otherToken), "another token than before"), (.token(.wrongPIN), "it is not tried again"),
            (.token(.pinRefusedBefore), "so it was not tried"), (.token(.pinFinalTry), "one more wrong PIN would lock"),
            (.token(.pinLocked), "the token is locked"),
            (.token(.cannotRemember(13)), "so none was tried: Permission denied"),
            (.token(.ownerNotKept(28)), "so no key was made on the token: No space left on device"),
            (.token(.keyAbsent), "does not have the key"), (.token(.severalKeys), "several keys that could be meant"),
            (.token(.unsuitableKey), "P-256 or P-384, or its public key cannot be read"),
            (.token(.otherKey), "another key in the place of the stored one"),
            (
                .token(.function(.sign, 0x8123_4567)),
                "the token failed: C_Sign returned an error (0x81234567)"
            ),
        ] as [(KeyFailure, String)])
    func failuresSayWhatToDo(_ failure: KeyFailure, _ words: String) {
        #expect(text(failure).contains(words), "\(text(failure))")
        #expect(text(failure).last != ".")
    }

    /// The names are those of PKCS #11.
    @Test(arguments: [
        (TokenFailure.Function.initialize, CKR_GENERAL_ERROR, "C_Initialize returned CKR_GENERAL_ERROR (0x00000005)"),
        (.getSlotList, CKR_HOST_MEMORY, "C_GetSlotList returned out of memory (0x00000002)"),
        (.getTokenInfo, CKR_DEVICE_MEMORY, "C_GetTokenInfo returned out of memory (0x00000031)"),
        (.openSession, CKR_FUNCTION_FAILED, "C_OpenSession returned CKR_FUNCTION_FAILED (0x00000006)"),
        (.login, CKR_PIN_EXPIRED, "C_Login returned CKR_PIN_EXPIRED (0x000000a3)"),
        (.login, CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED (0x00000102)"),
        (.generateKeyPair, CKR_TOKEN_WRITE_PROTECTED, "C_GenerateKeyPair returned write protection (0x000000e2)"),
        (.generateKeyPair, CKR_SESSION_READ_ONLY, "write protection (0x000000b5)"),
        (.generateKeyPair, CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT (0x000000d1)"),
        (.findObjects, CKR_ARGUMENTS_BAD, "C_FindObjects returned CKR_ARGUMENTS_BAD (0x00000007)"),
        (.getAttributeValue, CKR_DEVICE_ERROR, "C_GetAttributeValue returned CKR_DEVICE_ERROR (0x00000030)"),
        (.sign, CKR_DEVICE_REMOVED, "C_Sign returned CKR_DEVICE_REMOVED (0x00000032)"),
        (.sign, CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED (0x00000068)"),
        (.sign, CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN (0x00000101)"),
        (.decrypt, CKR_MECHANISM_INVALID, "C_Decrypt returned CKR_MECHANISM_INVALID (0x00000070)"),
        (
            .destroyObject, CKR_FUNCTION_NOT_SUPPORTED,
            "C_DestroyObject returned CKR_FUNCTION_NOT_SUPPORTED (0x00000054)"
        ),
    ])
    func functionsAreNamed(_ function: TokenFailure.Function, _ result: UInt, _ words: String) {
        #expect(text(.token(.function(function, result))).contains(words))
    }

    /// What the client's errors become for whoever has a key and no words.
    @Test(
        arguments: [
            (.crypto(.outOfMemory), .outOfMemory), (.badKey(DERError(.unsupportedAlgorithm, at: 0)), .unsupported),
            (.badKey(DERError(.unsupportedKeySize, at: 0)), .unsupported),
            (.badKey(DERError(.truncated, at: 0)), .invalidKey), (.token(.function(.sign, 5)), .failed),
            (.token(.keyAbsent), .invalidKey), (.damaged, .invalidKey), (.wrongPassphrase, .invalidKey),
        ] as [(KeyFailure, CryptoError)])
    func failuresHaveTheirError(_ failure: KeyFailure, _ error: CryptoError) {
        #expect(failure.cryptoError == error)
    }

    /// Each fault of an encoding in words of its own.
    @Test func everyFaultHasItsReason() {
        let kinds: [(DERError.Kind, String)] = [
            (.truncated, "ends inside an element"), (.unexpectedTag, "another element was due"),
            (.highTagNumber, "31 or more"), (.lengthNotMinimal, "a length that DER does not have"),
            (.lengthTooLarge, "16 MiB"), (.trailingBytes, "something follows"), (.invalidInteger, "INTEGER"),
            (.invalidBoolean, "BOOLEAN"), (.invalidBitString, "unused bits"),
            (.invalidObjectIdentifier, "OBJECT IDENTIFIER"), (.tooDeep, "nested too deep"),
            (.misplacedEndOfContents, "end-of-contents"), (.constructedString, "in pieces"),
            (.unsupportedAlgorithm, "an algorithm or a parameter"), (.unsupportedVersion, "a version"),
            (.invalidTime, "UTCTime"), (.duplicate, "twice"), (.unknownCriticalExtension, "critical extension"),
            (.unexpectedContentType, "another content type"), (.notOneRecipient, "one recipient"),
            (.notOneSigner, "one signature"), (.attributeMissing, "an attribute is missing"),
            (.digestMismatch, "digest"), (.passwordMissing, "challengePassword"),
            (.crypto(.outOfMemory), "not enough memory"), (.crypto(.invalidKey), "a key that is malformed"),
            (.crypto(.invalidSignature), "the signature is wrong"),
            (.crypto(.decryptionFailed), "encrypted to another key or password"),
            (.crypto(.unsupported), "the key cannot do this"), (.crypto(.failed), "the cryptography failed"),
        ]
        let all = kinds.map { String(decoding: Text(DERError($0.0, at: 312)), as: UTF8.self) }
        #expect(Set(all).count == kinds.count)
        for (text, (_, words)) in zip(all, kinds) {
            #expect(text.contains(words) && text.hasSuffix(", at byte 312"), "\(text)")
        }
    }
}
