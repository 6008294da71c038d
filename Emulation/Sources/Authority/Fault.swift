import LibCrypto

/// One way of misbehaving, for tests of clients.
public enum Fault: Sendable, Equatable {
    // What a CertRep says.
    case wrongTransactionID
    case wrongRecipientNonce
    /// SUCCESS with a certificate for a key that the client does not have.
    case certificateForAnotherKey
    /// SUCCESS with a certificate that a CA of the same name and another key signed.
    case unknownIssuer
    /// SUCCESS with a certificate of a CA of another name.
    case anotherIssuer
    /// SUCCESS with the certificate that signed the request: that to be renewed, or the self-signed one.
    case oldCertificate
    /// SUCCESS with a certificate that has expired.
    case expiredCertificate
    /// SUCCESS with a certificate that begins tomorrow.
    case notYetValidCertificate
    /// A renewal gets a certificate that ends when the old one does.
    case validityNotExtended
    /// GetCert gets another certificate than it asked for: the CA's.
    case anotherCertificate
    /// SUCCESS, or a next CA's reply, with nothing inside.
    case nothingInside
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

    // What GetCRL gets.
    /// A CRL whose nextUpdate is past.
    case staleList
    /// A CRL whose thisUpdate is tomorrow.
    case listNotYetValid
    /// A CRL that a CA of another name issued.
    case listOfAnotherIssuer
    /// A CRL that a CA of the same name and another key issued.
    case listOfUnknownIssuer
    /// A bit of the CRL's signature is turned over.
    case listWithBrokenSignature
    /// A CRL of this many entries, those of the database among them: about 37 bytes each.
    case hugeList(Int)
    /// A CRL with a critical extension that nobody knows.
    case listWithCriticalExtension

    // Who signs the reply to GetNextCACert. `unknownSigner` and `brokenSignature` work there as well.
    case signedByNextCA
    /// By the RA that signs CertReps, which RFC 8894, section 4.7.1 does not allow.
    case signedByRegistrationAuthority

    // What the HTTP answer is.
    /// A page of HTML with status 200.
    case html
    case status(Int)
    case emptyBody
    /// POST gets status 200 with an empty body; GET is served.
    case emptyPost
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
    public var operations: Set<CAOperation>
    /// How many answers it corrupts; nil: all.
    public var times: Int?

    public init(_ fault: Fault, operations: Set<CAOperation> = [.pkiOperation], times: Int? = nil) {
        self.fault = fault
        self.operations = operations
        self.times = times
    }

    /// Reads the text form.
    public init(text: String) throws(CAConfigurationError) {
        var rest = Substring(text)
        times = nil
        operations = [.pkiOperation]
        if let mark = rest.lastIndex(of: "#") {
            guard let count = Int(rest[rest.index(after: mark)...]), count > 0 else {
                throw CAConfigurationError("fault \(text): a number of times is wanted after '#'")
            }
            times = count
            rest = rest[..<mark]
        }
        if let mark = rest.lastIndex(of: "@") {
            operations = []
            for name in rest[rest.index(after: mark)...].split(separator: ",") {
                guard let operation = CAOperation(name: String(name)) else {
                    let known = CAOperation.allCases.map(\.rawValue).joined(separator: ", ")
                    throw CAConfigurationError("fault \(text): no operation is called \(name); there are \(known)")
                }
                operations.insert(operation)
            }
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: "=", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            let known = Self.kinds.map(\.usage).joined(separator: ", ")
            throw CAConfigurationError("no fault is called '\(name)'; there are \(known)")
        }
        guard let fault = kind.make(parts.count > 1 ? String(parts[1]) : nil) else {
            throw CAConfigurationError("fault \(text): it is written \(kind.usage)")
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
        plain("another-issuer", .anotherIssuer),
        plain("old-certificate", .oldCertificate),
        plain("expired-certificate", .expiredCertificate),
        plain("not-yet-valid-certificate", .notYetValidCertificate),
        plain("validity-not-extended", .validityNotExtended),
        plain("another-certificate", .anotherCertificate),
        plain("nothing-inside", .nothingInside),
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
        plain("crl-stale", .staleList),
        plain("crl-not-yet-valid", .listNotYetValid),
        plain("crl-another-issuer", .listOfAnotherIssuer),
        plain("crl-unknown-issuer", .listOfUnknownIssuer),
        plain("crl-broken-signature", .listWithBrokenSignature),
        Kind(usage: "crl-huge[=ENTRIES]") { value in
            guard let value else { return .hugeList(10_000) }
            return Int(value).flatMap { (1...1_000_000).contains($0) ? .hugeList($0) : nil }
        },
        plain("crl-critical-extension", .listWithCriticalExtension),
        plain("signed-by-next-ca", .signedByNextCA),
        plain("signed-by-ra", .signedByRegistrationAuthority),
        plain("html", .html),
        Kind(usage: "status=CODE") { value in
            value.flatMap { Int($0) }.flatMap { (100...999).contains($0) ? .status($0) : nil }
        },
        plain("empty-body", .emptyBody),
        plain("empty-post", .emptyPost),
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
