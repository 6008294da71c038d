import Agent
import Authority
import AuthorityServer
import CSCEP
import DeviceCrypto
import Foundation
import LinuxBoard
import TestSupport
import Testing

/// Keys that the firmware cannot read: an element in this process, that finds its keys by a number.
final class SecureElement {
    fileprivate var keys: [UnsafeMutablePointer<SoftwareKey>] = []
    fileprivate var random = RandomGenerator()
    /// How often each function was called.
    fileprivate(set) var calls = (generate: 0, publicKey: 0, sign: 0, decrypt: 0)
    /// What it does wrong.
    enum Defect { case none, failsToMake, hugeReference, hugeSignature, hugePublicKey, failsToSign }
    var defect = Defect.none

    init() throws {
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
    }

    deinit {
        for key in keys {
            key.deinitialize(count: 1)
            key.deallocate()
        }
    }

    fileprivate static func element(_ context: UnsafeMutableRawPointer?) -> SecureElement {
        Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }

    fileprivate func key(_ reference: UnsafePointer<UInt8>?, _ size: Int) -> UnsafeMutablePointer<SoftwareKey>? {
        guard let reference, size == 4, keys.indices.contains(Int(reference[3])) else { return nil }
        return keys[Int(reference[3])]
    }

    var table: scep_keys {
        var table = scep_keys()
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.generate = { context, type, reference, size in
            let element = SecureElement.element(context)
            element.calls.generate += 1
            guard let reference, let size, size.pointee >= 4, element.defect != .failsToMake else { return -1 }
            let key = UnsafeMutablePointer<SoftwareKey>.allocate(capacity: 1)
            key.initialize(to: SoftwareKey())
            let algorithm: KeyAlgorithm = type == SCEP_P256 ? .p256 : .rsa(bits: 2_048)
            guard (try? key.pointee.generate(algorithm, random: &element.random)) != nil else { return -1 }
            element.keys.append(key)
            for index in 0..<3 { reference[index] = 0xE0 }
            reference[3] = UInt8(element.keys.count - 1)
            size.pointee = element.defect == .hugeReference ? 65 : 4
            return 0
        }
        table.public_key = { context, reference, size, bytes, count in
            let element = SecureElement.element(context)
            element.calls.publicKey += 1
            guard let key = element.key(reference, size), let count else { return -1 }
            var span = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: count.pointee))
            guard let written = try? key.pointee.publicKey(into: &span) else { return -1 }
            count.pointee = element.defect == .hugePublicKey ? 100_000 : written
            return 0
        }
        table.sign = { context, reference, size, algorithm, digest, digestSize, bytes, count in
            let element = SecureElement.element(context)
            element.calls.sign += 1
            let kinds: [DigestAlgorithm] = [.sha1, .sha256, .sha384, .sha512]
            guard let key = element.key(reference, size), let count, element.defect != .failsToSign,
                let value = Digest(
                    kinds[Int(algorithm.rawValue)],
                    bytes: Span(_unsafeElements: UnsafeBufferPointer(start: digest, count: digestSize)))
            else { return -1 }
            var span = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: count.pointee))
            guard let written = try? key.pointee.sign(value, into: &span, random: &element.random) else { return -1 }
            count.pointee = element.defect == .hugeSignature ? 100_000 : written
            return 0
        }
        table.decrypt = { context, reference, size, isOAEP, ciphertext, ciphertextSize, bytes, count in
            let element = SecureElement.element(context)
            element.calls.decrypt += 1
            guard let key = element.key(reference, size), let count else { return -1 }
            var span = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: count.pointee))
            let input = Span(_unsafeElements: UnsafeBufferPointer(start: ciphertext, count: ciphertextSize))
            guard
                let written = try? key.pointee.decrypt(
                    isOAEP != 0 ? .oaep(.sha256) : .pkcs1v15, input, into: &span, random: &element.random)
            else { return -1 }
            count.pointee = written
            return 0
        }
        return table
    }
}

@Suite struct SecureElementTests {
    private func configuration(_ server: AuthorityServer, _ key: String) throws -> String {
        """
        url=\(server.url)
        fingerprint=\(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
        subject=CN=element
        challenge=line
        challenge-use=always
        key=\(key)
        retries=0
        """
    }

    private func withServer(_ body: (AuthorityServer) throws -> Void) async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        let server = try await AuthorityServer(try Authority(configuration))
        try body(server)
        await server.stop()
    }

    @Test(arguments: ["p256", "rsa2048"])
    func enrolsWithAKeyThatStaysThere(key: String) async throws {
        try await withServer { server in
            let element = try SecureElement()
            let device = CDevice(try configuration(server, key), keys: element.table)
            #expect(device.start() == SCEP_OK)
            #expect(CTransport().attend(device) == SCEP_OK, "\(device.error)")
            let certificate = try #require(device.certificate)
            #expect(element.calls.generate == 1 && element.calls.sign > 0)
            #expect((element.calls.decrypt > 0) == (key == "rsa2048"))
            #expect(server.authority.issuedCertificates().count == 1)
            // Once more after a reset, and what it signs holds under the certificate.
            #expect(device.start() == SCEP_OK)
            #expect(CTransport().attend(device) == SCEP_OK)
            try withTemporaryDirectory { folder in
                let text = try folder.write(Array("hello".utf8), to: "text")
                let digest = try OpenSSL.run(["dgst", "-sha384", "-binary", text])
                let signature = try folder.write(try #require(device.sign(digest, SCEP_SHA384)), to: "signature")
                let der = try folder.write(certificate, to: "certificate.der")
                let pem = try folder.write(
                    try OpenSSL.run(["x509", "-inform", "DER", "-in", der, "-pubkey", "-noout"]), to: "key.pem")
                let said = try OpenSSL.run(["dgst", "-sha384", "-verify", pem, "-signature", signature, text])
                #expect(String(decoding: said, as: UTF8.self) == "Verified OK\n")
            }
            // Firmware that has lost its element's functions says so, and does not make another key.
            #expect(device.start { $0.keys = nil } == SCEP_OK)
            #expect(
                device.sign([UInt8](repeating: 1, count: 32)) == nil && device.kind.hasPrefix("key"), "\(device.error)")
        }
    }

    /// Lengths beyond the space that was given, and failures: no overrun, no certificate, an error of the key.
    @Test(arguments: [
        SecureElement.Defect.failsToMake, .hugeReference, .hugeSignature, .hugePublicKey, .failsToSign,
    ])
    func anElementThatAnswersNonsense(defect: SecureElement.Defect) async throws {
        try await withServer { server in
            let element = try SecureElement()
            element.defect = defect
            let device = CDevice(try configuration(server, "p256"), keys: element.table)
            #expect(device.start() == SCEP_OK)
            let status = CTransport().attend(device)
            #expect(status == SCEP_KEY || status == SCEP_CONFIGURATION, "\(status) \(device.error)")
            #expect(device.certificate == nil && server.authority.issuedCertificates().isEmpty)
        }
    }
}
