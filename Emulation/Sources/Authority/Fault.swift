import LibCrypto

/// One way of misbehaving, for tests of clients.
public enum Fault: Sendable, Equatable {
    // What a CertRep says.
    case wrongTransactionID
    case wrongRecipientNonce
    /// SUCCESS with a certificate for a key that the client does not have.
    case certificateForAnotherKey
    /// SUCCESS with a certificate that no known CA signed.
    case unknownIssuer
    /// A CertRep signed by a CA of the same name and another key.
    case unknownSigner
    /// A bit of the signature is turned over.
    case brokenSignature
    case noCertificates
    case indefiniteLength
    /// Single DES and SHA-1 whatever was asked.
    case obsoleteAlgorithms
    case oaep
    /// The same as NDES sends it: the algorithm's parameters left out.
    case oaepWithoutParameters
    case failure(Refusal)

    // What the HTTP answer is.
    /// A page of HTML with status 200.
    case html
    case status(Int)
    case emptyBody
    /// Content-Length says all, the connection closes after this many bytes of the body.
    case truncated(Int)
    /// The body goes on with zero bytes up to this many.
    case oversized(Int)
    /// Seconds that pass before the answer.
    case stall(Double)
    /// The connection closes with no answer.
    case close
}

/// A fault and when it happens. As text: `name[=value][@operation,…][#times]`, for example `status=503@GetCACert#2`.
public struct FaultRule: Sendable, Equatable {
    public var fault: Fault
    public var operations: Set<Operation>
    /// How many answers it spoils; nil: all.
    public var times: Int?

    public init(_ fault: Fault, operations: Set<Operation> = [.pkiOperation], times: Int? = nil) {
        self.fault = fault
        self.operations = operations
        self.times = times
    }

    /// Reads the text form.
    public init(text: String) throws(ConfigurationError) {
        var rest = Substring(text)
        times = nil
        operations = [.pkiOperation]
        if let mark = rest.lastIndex(of: "#") {
            guard let count = Int(rest[rest.index(after: mark)...]), count > 0 else {
                throw ConfigurationError("fault \(text): a number of times is wanted after '#'")
            }
            times = count
            rest = rest[..<mark]
        }
        if let mark = rest.lastIndex(of: "@") {
            operations = []
            for name in rest[rest.index(after: mark)...].split(separator: ",") {
                guard let operation = Operation(name: String(name)) else {
                    let known = Operation.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ConfigurationError("fault \(text): no operation is called \(name); there are \(known)")
                }
                operations.insert(operation)
            }
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: "=", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            let known = Self.kinds.map(\.usage).joined(separator: ", ")
            throw ConfigurationError("no fault is called '\(name)'; there are \(known)")
        }
        guard let fault = kind.make(parts.count > 1 ? String(parts[1]) : nil) else {
            throw ConfigurationError("fault \(text): it is written \(kind.usage)")
        }
        self.fault = fault
    }

    /// Every fault's text form, for the help of a command.
    public static var usages: [String] { kinds.map(\.usage) }

    private struct Kind: Sendable {
        let usage: String
        let make: @Sendable (String?) -> Fault?

        var name: String { String(usage.prefix { $0 != "=" && $0 != "[" }) }
    }

    private static func plain(_ usage: String, _ fault: Fault) -> Kind {
        Kind(usage: usage) { $0 == nil ? fault : nil }
    }

    private static let kinds: [Kind] = [
        plain("wrong-transaction-id", .wrongTransactionID),
        plain("wrong-recipient-nonce", .wrongRecipientNonce),
        plain("another-key", .certificateForAnotherKey),
        plain("unknown-issuer", .unknownIssuer),
        plain("unknown-signer", .unknownSigner),
        plain("broken-signature", .brokenSignature),
        plain("no-certificates", .noCertificates),
        plain("indefinite-length", .indefiniteLength),
        plain("obsolete-algorithms", .obsoleteAlgorithms),
        plain("oaep", .oaep),
        plain("oaep-without-parameters", .oaepWithoutParameters),
        Kind(usage: "failure=FAILINFO[:TEXT]") { value in
            let parts = (value ?? "").split(separator: ":", maxSplits: 1)
            guard let number = parts.first.flatMap({ Int($0) }), let failInfo = FailInfo(rawValue: number) else {
                return nil
            }
            return .failure(Refusal(failInfo, parts.count > 1 ? String(parts[1]) : "refused on purpose"))
        },
        plain("html", .html),
        Kind(usage: "status=CODE") { value in
            value.flatMap { Int($0) }.flatMap { (100...999).contains($0) ? .status($0) : nil }
        },
        plain("empty-body", .emptyBody),
        Kind(usage: "truncated[=BYTES]") { value in
            guard let value else { return .truncated(100) }
            return Int(value).flatMap { $0 >= 0 ? .truncated($0) : nil }
        },
        Kind(usage: "oversized[=BYTES]") { value in
            guard let value else { return .oversized(1 << 30) }
            return Int(value).flatMap { $0 > 0 ? .oversized($0) : nil }
        },
        Kind(usage: "stall=SECONDS") { value in
            value.flatMap { Double($0) }.flatMap { $0 >= 0 && $0 < 86_400 ? .stall($0) : nil }
        },
        plain("close", .close),
    ]
}
