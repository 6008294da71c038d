import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import LinuxBoard
import PKIX
import Signing

/// Key, certificate and the CA's certificates as PEM (RFC 7468).
struct PEMIdentity {
    /// A secret: PrivateKeyInfo.
    private let key: [UInt8]
    private let certificate: [UInt8]
    private let chain: [UInt8]

    /// - Parameter folder: a device's, in the work folder.
    init(of folder: Descriptor) throws {
        var store = IdentityStore(DirectorySnapshots(try IdentityFolder.open(in: folder)))
        try store.open()
        var secret = try store.value(of: .privateKey)
        defer { for index in secret.indices { secret[index] = 0 } }
        var software = SoftwareKey()
        defer { software.wipe() }
        try software.load(secret.span)
        var buffer = [UInt8](repeating: 0, count: 4_096)
        defer { for index in buffer.indices { buffer[index] = 0 } }
        let count: Int
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try software.write(to: &writer)
            count = writer.written.count
        }
        key = [UInt8](PEMText.text(Array(buffer.suffix(count)), "PRIVATE KEY").utf8)
        certificate = [UInt8](PEMText.text(try store.value(of: .certificate), "CERTIFICATE").utf8)
        var chain: [UInt8] = []
        let authorities = try store.value(of: .caCertificates)
        var reader = DERReader(authorities.span)
        while !reader.isAtEnd { chain += PEMText.text(try reader.read().encoding.array, "CERTIFICATE").utf8 }
        self.chain = chain
    }

    var files: [(name: String, content: [UInt8])] {
        [("key.pem", key), ("certificate.pem", certificate), ("chain.pem", chain)]
    }

    /// A PKCS#12 by `openssl`: the key goes through its standard input, the password through a file.
    func pkcs12(name: String, passwordFile: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "pkcs12", "-export", "-in", "/dev/stdin", "-name", name, "-passout", "file:\(passwordFile)",
        ]
        let input = Pipe()
        let output = Pipe()
        let complaint = Pipe()
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, complaint)
        try process.run()
        let content = Data(key + certificate + chain)
        Thread {
            try? input.fileHandleForWriting.write(contentsOf: content)
            try? input.fileHandleForWriting.close()
        }.start()
        let result = output.fileHandleForReading.readDataToEndOfFile()
        let said = complaint.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0, !result.isEmpty else {
            throw DeliveryError.noPKCS12(
                String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return [UInt8](result)
    }
}

extension IdentityStore where S: ~Copyable {
    fileprivate mutating func value(of record: StoredRecord) throws -> [UInt8] {
        guard let size = size(of: record) else { throw DeliveryError.notStored }
        var value = [UInt8](repeating: 0, count: size)
        var span = value.mutableSpan
        _ = try read(record, into: &span)
        return value
    }
}
