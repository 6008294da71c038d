import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import Gateway
import LinuxBoard
import PKIX
import Synchronization

/// A station's own key, P-256, by which it signs checkpoints and reports: JWS with ES256 (RFC 7515; RFC 7518, section 3.4).
public final class StationKey: @unchecked Sendable {
    private let lock = NSLock()
    private var software = SoftwareKey()
    /// Signs in place of ``software``.
    private let token: TokenSigner?
    private var random = RandomGenerator()
    /// SubjectPublicKeyInfo, in DER.
    public let publicKey: [UInt8]

    /// Reads the key from a file: a PrivateKeyInfo in PEM, or the URI of a key on a token (RFC 7512), which the token makes
    /// if it has none. Makes key and file if there is no file.
    ///
    /// - Parameter file: its owner alone may read it. Beside it stands what a token's PIN was refused for.
    public init(file: URL) throws {
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        if let uri = try Self.uri(in: file) {
            let signer = try Self.open(uri, in: file.deletingLastPathComponent(), &random)
            token = signer
            publicKey = signer.publicKey
            return
        }
        token = nil
        if FileManager.default.fileExists(atPath: file.path) {
            try Self.read(file, into: &software, &random)
        } else {
            try software.generate(.p256, random: &random)
            try Self.write(&software, to: file)
        }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count: Int
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try writer.write(publicKeyOf: &software)
            count = writer.written.count
        }
        publicKey = [UInt8](buffer.suffix(count))
    }

    deinit { software.wipe() }

    /// Has a station sign with a token's key from its first signature on.
    ///
    /// - Parameter file: is not there yet: another key's signatures would not be the station's any more.
    public static func place(uri text: String, in file: URL) throws -> StationKey {
        guard !FileManager.default.fileExists(atPath: file.path) else { throw SigningError.keyIsThere(file.path) }
        var random = RandomGenerator()
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        let signer = try open(TokenURI(text), in: file.deletingLastPathComponent(), &random)
        try write(Data((text + "\n").utf8), to: file)
        return StationKey(signer)
    }

    private init(_ signer: TokenSigner) {
        token = signer
        publicKey = signer.publicKey
    }

    private static func open(
        _ uri: TokenURI, in folder: URL, _ random: inout RandomGenerator
    ) throws(SigningError) -> TokenSigner {
        try asking { () throws(TokenSigner.Failure) in
            try TokenSigner(
                module: uri.modulePath, label: uri.token, key: uri.object, pinFile: uri.pinFile,
                folder: Array(folder.path.utf8), random: &random)
        }
    }

    private static func asking<Result>(
        _ token: () throws(TokenSigner.Failure) -> Result
    ) throws(SigningError) -> Result {
        do throws(TokenSigner.Failure) {
            return try token()
        } catch {
            throw .token(String(decoding: error.message, as: UTF8.self))
        }
    }

    public var verifier: VerifyingKey { get throws { try VerifyingKey(der: publicKey) } }

    /// Signs a payload.
    ///
    /// - Parameter header: members of the protected header beside `alg` and `kid`, as JSON: `,"typ":"…"`.
    /// - Returns: a JWS in its compact form, which a line of text or a name can hold.
    public func sign(_ payload: [UInt8], header: String = "") throws -> String {
        let head = "{\"alg\":\"ES256\",\"kid\":\"\(try verifier.identifier)\"\(header)}"
        let text = Base64URL.encode([UInt8](head.utf8)) + "." + Base64URL.encode(payload)
        let digest = Hash.digest(.sha256, of: [UInt8](text.utf8).span)
        let signature: [UInt8] = try lock.withLock {
            if let token {
                return try Self.fixed(Self.asking { () throws(TokenSigner.Failure) in try token.sign(digest) })
            }
            var buffer = [UInt8](repeating: 0, count: software.signatureSize)
            let count: Int
            do {
                var span = buffer.mutableSpan
                count = try software.sign(digest, into: &span, random: &random)
            }
            return try Self.fixed(Array(buffer[..<count]))
        }
        return text + "." + Base64URL.encode(signature)
    }

    /// From an Ecdsa-Sig-Value in DER (RFC 3279, section 2.2.3) to r and s of 32 bytes each.
    private static func fixed(_ der: [UInt8]) throws -> [UInt8] {
        var outer = DERReader(der.span)
        var content = try outer.enter()
        var result: [UInt8] = []
        for _ in 0..<2 {
            let number = try content.read(.integer).unsignedInteger()
            result += [UInt8](repeating: 0, count: 32 - number.count)
            for index in number.indices { result.append(number[index]) }
        }
        return result
    }

    /// - Returns: nil if there is no file, or it has something else.
    private static func uri(in file: URL) throws -> TokenURI? {
        guard let text = try? String(contentsOf: file, encoding: .utf8), TokenURI.isOne(text) else { return nil }
        try checkOwner(of: file)
        return try TokenURI(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func checkOwner(of file: URL) throws(SigningError) {
        var status = stat()
        guard stat(file.path, &status) == 0, status.st_mode & 0o077 == 0, status.st_uid == geteuid() else {
            throw .exposed(file.path)
        }
    }

    private static func read(_ file: URL, into key: inout SoftwareKey, _ random: inout RandomGenerator) throws {
        try checkOwner(of: file)
        var text = [UInt8](try Data(contentsOf: file))
        defer { for index in text.indices { text[index] = 0 } }
        guard var der = PEMText.content(of: text, "PRIVATE KEY") else { throw SigningError.notReadable(file.path) }
        defer { for index in der.indices { der[index] = 0 } }
        do throws(DERError) {
            try key.load(PrivateKeyInfo(der.span), random: &random)
        } catch {
            throw SigningError.notReadable(file.path)
        }
        guard key.algorithm == .p256 else { throw SigningError.notReadable(file.path) }
    }

    private static func write(_ key: inout SoftwareKey, to file: URL) throws {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        defer { for index in buffer.indices { buffer[index] = 0 } }
        let count: Int
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try key.write(to: &writer)
            count = writer.written.count
        }
        try write(Data(PEMText.text(Array(buffer.suffix(count)), "PRIVATE KEY").utf8), to: file)
    }

    private static func write(_ content: Data, to file: URL) throws {
        let new = file.appendingPathExtension("new")
        try? FileManager.default.removeItem(at: new)
        guard FileManager.default.createFile(atPath: new.path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: new.path)
        else { throw SigningError.notWritten(file.path, String(cString: strerror(errno))) }
        try handle.write(contentsOf: content)
        try handle.synchronize()
        try handle.close()
        // Not over one that another program has made meanwhile.
        guard link(new.path, file.path) == 0 else {
            throw SigningError.notWritten(file.path, String(cString: strerror(errno)))
        }
        unlink(new.path)
    }
}

public enum SigningError: Error, Equatable, CustomStringConvertible {
    case exposed(String)
    case notReadable(String)
    case notWritten(String, String)
    /// What is not as it should be in a PKCS #11 URI.
    case badURI(String)
    /// Why a token does not sign.
    case token(String)
    /// A station has one key.
    case keyIsThere(String)
    /// What is there is no JWS, or not of this key.
    case notSigned

    public var description: String {
        switch self {
        case .exposed(let path):
            "others may read the station's key: chmod 600 \(path), and make another if they may have"
        case .notReadable(let path): "\(path) holds no P-256 key in PEM (PRIVATE KEY)"
        case .notWritten(let path, let reason): "\(path) cannot be written: \(reason)"
        case .badURI(let reason): "the PKCS #11 URI of the station's key: \(reason)"
        case .token(let reason): "the station's key: \(reason)"
        case .keyIsThere(let path):
            "the station has a key already, by which its checkpoints are verified: \(path)"
        case .notSigned: "it was not signed by this key, or was changed"
        }
    }
}

/// PEM (RFC 7468).
public enum PEMText {
    public static func text(_ der: [UInt8], _ label: String) -> String {
        let lines = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN \(label)-----\n\(lines)\n-----END \(label)-----\n"
    }

    /// The first object of that label.
    static func content(of text: [UInt8], _ label: String) -> [UInt8]? {
        objects(in: String(decoding: text, as: UTF8.self), label, limit: 1)?.first
    }

    /// All objects of that label, in their order; nil if one of them is cut, or no base64.
    public static func objects(in text: String, _ label: String, limit: Int = .max) -> [[UInt8]]? {
        var objects: [[UInt8]] = []
        var rest = text[...]
        while objects.count < limit, let start = rest.range(of: "-----BEGIN \(label)-----") {
            guard let end = rest.range(of: "-----END \(label)-----", range: start.upperBound..<rest.endIndex),
                let object = Data(base64Encoded: rest[start.upperBound..<end.lowerBound].filter { !$0.isWhitespace })
            else { return nil }
            objects.append([UInt8](object))
            rest = rest[end.upperBound...]
        }
        return objects
    }
}
