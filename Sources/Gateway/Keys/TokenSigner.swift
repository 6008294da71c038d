import Agent
import DER
import DeviceCrypto
import Output
import PKIX

/// A P-256 key on a PKCS #11 token, for a program beside the gateway that signs with it: its rules for PINs are the gateway's.
@safe public final class TokenSigner {
    /// A sentence for a person, without a full stop at the end.
    public struct Failure: Error {
        public let message: [UInt8]

        fileprivate init(_ failure: KeyFailure) {
            var message: [UInt8] = []
            failure.write(to: &message)
            self.message = message
        }

        fileprivate init(_ failure: Output.Failure) { message = [UInt8](failure.message.span) }
    }

    private let provider: KeyProvider
    private let reference: TokenReference
    /// SubjectPublicKeyInfo, in DER.
    public let publicKey: [UInt8]

    /// Finds the key by its label, or has the token make one that it does not let out.
    ///
    /// - Parameters:
    ///   - module: the path of the shared library.
    ///   - label: CKA_LABEL of the token, 1 to 32 bytes.
    ///   - key: CKA_LABEL of the key.
    ///   - pinFile: a path; the first line of the file, which its owner alone may read, is the PIN.
    ///   - folder: a path, where it is remembered which PIN was refused, so that it is not tried again, and whose the key is.
    public init(
        module: [UInt8], label: [UInt8], key: [UInt8], pinFile: [UInt8], folder: [UInt8], random: inout RandomGenerator
    ) throws(Failure) {
        var settings = TokenSettings()
        settings.module = module
        settings.label = label
        settings.keyLabel = key
        settings.folder = folder
        settings.ownerFolder = folder
        do throws(Output.Failure) {
            settings.pin = try InputFile.readSecret(pinFile)
        } catch {
            throw Failure(error)
        }
        var keys = KeySettings()
        keys.token = settings
        let provider = KeyProvider(keys)
        self.provider = provider
        do throws(KeyFailure) {
            reference = try Self.findOrMake(try provider.openToken(), label: key, &random)
            publicKey = try Self.encode(reference, provider)
        } catch {
            provider.end()
            throw Failure(error)
        }
    }

    deinit { provider.end() }

    private static func findOrMake(
        _ token: Token, label: [UInt8], _ random: inout RandomGenerator
    ) throws(KeyFailure) -> TokenReference {
        let reference: TokenReference
        do throws(KeyFailure) {
            reference = try token.find(label: label)
        } catch .token(.keyAbsent) {
            return try token.generate(.p256, random: &random)
        }
        guard reference.algorithm == .p256 else { throw .token(.unsuitableKey) }
        return reference
    }

    private static func encode(_ reference: TokenReference, _ provider: KeyProvider) throws(KeyFailure) -> [UInt8] {
        var key = TokenKey(provider)
        key.reference = reference
        var buffer = [UInt8](repeating: 0, count: 128)
        do throws(DERError) {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try writer.write(publicKeyOf: &key)
            return [UInt8](writer.written)
        } catch {
            throw .badKey(error)
        }
    }

    /// Signs a digest.
    ///
    /// - Returns: an Ecdsa-Sig-Value in DER (RFC 3279, section 2.2.3).
    public func sign(_ digest: Digest) throws(Failure) -> [UInt8] {
        do throws(KeyFailure) {
            return try provider.openToken().sign(digest, reference)
        } catch {
            throw Failure(error)
        }
    }
}
