import Foundation
import HTTP

/// What a device wants of its CA: an HTTP request, as its client writes it, read from what comes over the relay.
///
/// The station sends none of these bytes on: it writes a request of its own that says the same (``encoding(to:)``), so that its
/// server reads what was read here, and nothing besides.
struct RelayedRequest: Equatable {
    /// `GetCACaps`, `GetCACert`, `PKIOperation`, …
    let operation: String
    /// A pkiMessage, if it is one; for the other operations the text behind `message=`.
    let message: [UInt8]
    private let form: Form
    private let version: Request.Version

    private enum Form {
        case bare, text, base64, body
    }

    enum Failure: Error, Equatable, CustomStringConvertible {
        /// More than a pkiMessage has.
        case tooLong
        /// No request of SCEP's.
        case notSCEP
        /// A handshake of TLS: the station cannot see what it would carry.
        case secured

        var description: String {
            switch self {
            case .tooLong: "the device sent a request of more than \(RelayedRequest.limit) bytes"
            case .notSCEP: "the device asked for something else than its CA's SCEP service"
            case .secured:
                "the device speaks TLS through the relay, so that the station cannot see its requests: give it an http URL"
            }
        }
    }

    static let limit = 65_536

    /// - Parameter bytes: what came so far.
    /// - Returns: nil if the request is not whole yet.
    init?(_ bytes: [UInt8], path: String) throws(Failure) {
        if bytes.first == 22 { throw .secured }
        guard bytes.count <= Self.limit else { throw .tooLong }
        guard let end = Data(bytes).range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3, words[2] == "HTTP/1.0" || words[2] == "HTTP/1.1" else { throw .notSCEP }
        version = words[2] == "HTTP/1.0" ? .http10 : .http11
        let target = words[1].split(separator: "?", maxSplits: 1)
        guard target.count == 2, target[0] == path else { throw .notSCEP }
        var fields: [Substring: Substring] = [:]
        for field in target[1].split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, fields.updateValue(parts[1], forKey: parts[0]) == nil else { throw .notSCEP }
        }
        guard let operation = fields["operation"].map(String.init), Self.names[operation] != nil else { throw .notSCEP }
        self.operation = operation
        switch words[0] {
        case "GET":
            guard operation == "PKIOperation" else {
                guard let text = (fields["message"] ?? "").removingPercentEncoding else { throw .notSCEP }
                message = [UInt8](text.utf8)
                form = fields["message"] == nil ? .bare : .text
                return
            }
            guard let text = fields["message"]?.removingPercentEncoding, let data = Data(base64Encoded: text) else {
                throw .notSCEP
            }
            message = [UInt8](data)
            form = .base64
        case "POST":
            let lengths = lines.dropFirst().compactMap { line -> Int? in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
                return Int(parts[1].trimmingCharacters(in: .whitespaces))
            }
            guard lengths.count == 1, lengths[0] >= 0, operation == "PKIOperation" else { throw .notSCEP }
            guard lengths[0] <= Self.limit else { throw .tooLong }
            guard bytes.count >= end.upperBound + lengths[0] else { return nil }
            message = Array(bytes[end.upperBound..<(end.upperBound + lengths[0])])
            form = .body
        default: throw .notSCEP
        }
    }

    private static let names: [String: StaticString] = [
        "GetCACaps": "GetCACaps", "GetCACert": "GetCACert", "GetNextCACert": "GetNextCACert",
        "PKIOperation": "PKIOperation",
    ]

    /// The request that the station sends.
    ///
    /// - Returns: nil if the URL is none.
    func encoding(to url: String) -> [UInt8]? {
        guard let name = Self.names[operation] else { return nil }
        let bytes = [UInt8](url.utf8)
        let server: ServerURL
        do throws(ServerURLError) {
            server = try ServerURL(bytes.span)
        } catch {
            return nil
        }
        let all = message.indices
        var request =
            switch form {
            case .bare: Request(name, .none, to: server, in: message.span, version: version)
            case .text: Request(name, .text(message.span), to: server, in: message.span, version: version)
            case .base64: Request(name, .base64(all), to: server, in: message.span, version: version)
            case .body: Request(name, .body(all), to: server, in: message.span, version: version)
            }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 512)
        while true {
            var span = chunk.mutableSpan
            let count = request.readHead(into: &span)
            guard count > 0 else { return output + (form == .body ? message : []) }
            output += chunk[..<count]
        }
    }
}
