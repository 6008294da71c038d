/// Why an attempt failed: what a Pareto chart counts, and what a person reads.
public struct FailureCause: Sendable, Equatable, Codable {
    /// Lower-case words joined by `-`: of the device's or the client's own errors (Docs/Manufacture.md), or the station's.
    public let kind: String
    /// One sentence: what happened and what to do.
    public let sentence: String
    /// Whether it is known that the CA issued nothing: it refused, or nothing was sent.
    public let excludesCertificate: Bool

    /// The kind of an attempt that a person gave up, to open another.
    static let givenUp = "given-up"

    public init(kind: String, sentence: String, excludesCertificate: Bool) {
        self.kind = kind
        self.sentence = sentence
        self.excludesCertificate = excludesCertificate
    }
}
