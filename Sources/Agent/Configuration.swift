import DER
import DeviceCrypto
import HTTP
import SCEP

/// What a device is told at manufacture, as text: lines `name=value` that end in LF (a last one may lack it), each
/// name at most once. Blank lines and lines that begin with `#` are passed over.
///
/// | name | value |
/// |---|---|
/// | `url` | of the CA, such as `http://ca.example/scep` |
/// | `fingerprint` | of the CA's certificate: SHA-256 or SHA-512, hexadecimal; several separated by commas |
/// | `subject` | as RFC 4514 has it: `CN=sensor 7,O=Example,C=DE` |
/// | `challenge` | the challengePassword; absent if there is none |
/// | `san` | subjectAltName: `DNS:…,IP:…,URI:…,email:…,otherName:…` |
/// | `key-usage` | such as `digitalSignature,keyEncipherment` |
/// | `extended-key-usage` | such as `clientAuth` |
/// | `template` | Microsoft's certificate template: a name or a dotted identifier |
/// | `key` | `rsa2048` (default), `rsa3072`, `rsa4096`, `p256`, `p384` |
/// | `allow` | leniencies: `sha1`, `3des`, `des`, `unmarked-ra`, separated by commas |
/// | `poll` | seconds between questions for a pending certificate: 1 to 86400, default 60 |
/// | `polls` | how often to ask before giving up: 1 to 100000, default 10000 |
/// | `timeout` | seconds for one exchange with the CA: 1 to 600, default 90 |
public struct Configuration: ~Escapable {
    private let text: Span<UInt8>
    /// Where the values stand, by ``Name``; empty for names that are not set.
    private var values = InlineArray<13, Range<Int>>(repeating: 0..<0)
    public private(set) var key = KeyAlgorithm.rsa(bits: 2048)
    public private(set) var policy = Policy()
    public private(set) var pollSeconds = 60
    public private(set) var polls = 10_000
    public private(set) var timeoutSeconds = 90

    /// Reads and checks the text.
    @_lifetime(copy text)
    public init(_ text: Span<UInt8>) throws(ConfigurationError) {
        self.text = text
        var seen: UInt16 = 0
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end &+= 1 }
            try set(start..<end, &seen)
            start = end &+ 1
        }
        guard url.count > 0, fingerprint.count > 0, subject.count > 0 || subjectAltName.count > 0 else {
            throw ConfigurationError(.missing, at: text.count)
        }
    }

    private mutating func set(_ line: Range<Int>, _ seen: inout UInt16) throws(ConfigurationError) {
        guard !line.isEmpty, text[line.lowerBound] != UInt8(ascii: "#") else { return }
        var equals = line.lowerBound
        while equals < line.upperBound, text[equals] != UInt8(ascii: "=") { equals &+= 1 }
        guard equals < line.upperBound, let name = Name(text.extracting(line.lowerBound..<equals)) else {
            throw ConfigurationError(.unknownName, at: line.lowerBound)
        }
        let bit: UInt16 = 1 &<< UInt16(name.rawValue)
        guard seen & bit == 0 else { throw ConfigurationError(.duplicate, at: line.lowerBound) }
        seen |= bit
        let value = (equals &+ 1)..<line.upperBound
        guard !value.isEmpty, accept(name, text.extracting(value)) else {
            throw ConfigurationError(.badValue, at: equals &+ 1)
        }
        values[Int(name.rawValue)] = value
    }

    /// - Returns: whether the value is one of those that `name` can have.
    private mutating func accept(_ name: Name, _ value: Span<UInt8>) -> Bool {
        switch name {
        case .url: return (try? ServerURL(value)) != nil
        case .fingerprint: return Fingerprints(value) != nil
        case .challenge: return value.count <= 255
        case .subject, .san, .keyUsage, .extendedKeyUsage, .template: return true
        case .key:
            guard let algorithm = Self.keyAlgorithm(value) else { return false }
            key = algorithm
            return true
        case .allow: return allow(value)
        case .poll: return Self.read(value, 1...86_400, into: &pollSeconds)
        case .polls: return Self.read(value, 1...100_000, into: &polls)
        case .timeout: return Self.read(value, 1...600, into: &timeoutSeconds)
        }
    }

    @_lifetime(copy self)
    private func value(_ name: Name) -> Span<UInt8> { text.extracting(values[Int(name.rawValue)]) }

    public var url: Span<UInt8> { @_lifetime(copy self) get { value(.url) } }
    public var fingerprint: Span<UInt8> { @_lifetime(copy self) get { value(.fingerprint) } }
    public var subject: Span<UInt8> { @_lifetime(copy self) get { value(.subject) } }
    public var challenge: Span<UInt8> { @_lifetime(copy self) get { value(.challenge) } }
    public var subjectAltName: Span<UInt8> { @_lifetime(copy self) get { value(.san) } }
    public var keyUsage: Span<UInt8> { @_lifetime(copy self) get { value(.keyUsage) } }
    public var extendedKeyUsage: Span<UInt8> { @_lifetime(copy self) get { value(.extendedKeyUsage) } }
    public var template: Span<UInt8> { @_lifetime(copy self) get { value(.template) } }

    private static func keyAlgorithm(_ word: Span<UInt8>) -> KeyAlgorithm? {
        if isWord(word, "rsa2048") { return .rsa(bits: 2048) }
        if isWord(word, "rsa3072") { return .rsa(bits: 3072) }
        if isWord(word, "rsa4096") { return .rsa(bits: 4096) }
        if isWord(word, "p256") { return .p256 }
        if isWord(word, "p384") { return .p384 }
        return nil
    }

    private mutating func allow(_ words: Span<UInt8>) -> Bool {
        var start = 0
        while start <= words.count {
            var end = start
            while end < words.count, words[end] != UInt8(ascii: ",") { end &+= 1 }
            let word = words.extracting(start..<end)
            if isWord(word, "sha1") {
                policy.digestFloor = .sha1
            } else if isWord(word, "3des") {
                if policy.cipherFloor != .desCBC { policy.cipherFloor = .tripleDESCBC }
            } else if isWord(word, "des") {
                policy.cipherFloor = .desCBC
            } else if isWord(word, "unmarked-ra") {
                policy.allowsUnmarkedRA = true
            } else {
                return false
            }
            start = end &+ 1
        }
        return true
    }

    private static func read(_ text: Span<UInt8>, _ range: ClosedRange<Int>, into value: inout Int) -> Bool {
        var number = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9, number <= 100_000 else { return false }
            number = number &* 10 &+ Int(digit)
        }
        guard range.contains(number) else { return false }
        value = number
        return true
    }

    private enum Name: UInt8 {
        case url, fingerprint, subject, challenge, san, keyUsage, extendedKeyUsage, template, key, allow, poll, polls
        case timeout

        var text: StaticString {
            switch self {
            case .url: "url"
            case .fingerprint: "fingerprint"
            case .subject: "subject"
            case .challenge: "challenge"
            case .san: "san"
            case .keyUsage: "key-usage"
            case .extendedKeyUsage: "extended-key-usage"
            case .template: "template"
            case .key: "key"
            case .allow: "allow"
            case .poll: "poll"
            case .polls: "polls"
            case .timeout: "timeout"
            }
        }

        init?(_ word: Span<UInt8>) {
            var number: UInt8 = 0
            while let name = Name(rawValue: number) {
                if isWord(word, name.text) {
                    self = name
                    return
                }
                number &+= 1
            }
            return nil
        }
    }
}

/// Why a configuration was refused.
public struct ConfigurationError: Error, Equatable, Sendable {
    public enum Kind: UInt8, Equatable, Sendable {
        /// A line that is not `name=value` with a known name.
        case unknownName = 1
        /// A name that was set before.
        case duplicate
        /// A value that the name cannot have.
        case badValue
        /// `url`, `fingerprint`, or `subject` and `san` are not set.
        case missing
    }

    public let kind: Kind
    /// In bytes, from the start of the text.
    public let offset: Int

    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}
