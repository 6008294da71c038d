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
/// | `message` | the CA's identifier, which goes with GetCACaps, GetCACert and GetNextCACert; absent if there is none |
/// | `fingerprint` | of the CA's certificate: SHA-256 or SHA-512, hexadecimal; several separated by commas |
/// | `subject` | as RFC 4514 has it: `CN=sensor 7,O=Example,C=DE` |
/// | `challenge` | the challengePassword; absent if there is none |
/// | `challenge-use` | `once` (default): it goes into one transaction and never into another; `always`: a shared secret, which goes into renewals too |
/// | `san` | subjectAltName: `DNS:…,IP:…,URI:…,email:…,otherName:…` |
/// | `key-usage` | such as `digitalSignature,keyEncipherment` |
/// | `extended-key-usage` | such as `clientAuth` |
/// | `template` | Microsoft's certificate template: a name or a dotted identifier |
/// | `key` | `rsa2048` (default), `rsa3072`, `rsa4096`, `p256`, `p384` |
/// | `allow` | leniencies: `sha1`, `3des`, `des`, `unmarked-ra`, separated by commas |
/// | `renew` | when to renew, in percent of the certificate's lifetime: 1 to 99, default two thirds |
/// | `jitter` | how much later a device may renew, by chance, in percent of the lifetime: 0 to 50, default 5 |
/// | `renewal-key` | `new` (default), or `same`: keep the key |
/// | `renewal-type` | `auto` (default): RenewalReq if the CA is one of RFC 8894, else PKCSReq; `17`, `19`: that messageType |
/// | `check` | what else to ask while nothing is due: `crl`, `certificate`, separated by commas; nothing by default |
/// | `check-interval` | seconds between looks at the CA, on a device that stays on: 60 to 2592000, default 86400 |
/// | `stay` | `no` (default): end when nothing is due; `yes`: sleep until something is |
/// | `poll` | seconds to the first question for a pending certificate, doubled for each that follows: 1 to 86400, default 60 |
/// | `poll-cap` | the longest of these waits in seconds: 1 to 604800, default 3600 |
/// | `polls` | how often to ask before giving up: 1 to 100000, default 10000 |
/// | `retry` | seconds to the first retry after a failure that may pass, doubled for each that follows: 1 to 86400, default 10 |
/// | `retry-cap` | the longest of these waits in seconds: 1 to 604800, default 3600 |
/// | `retries` | how often to retry before giving up: 0 to 100000, default 5 |
/// | `timeout` | seconds for one exchange with the CA: 1 to 600, default 90 |
/// | `time` | seconds since 1970 when this was written: it is no earlier now |
/// | `tls-pin` | of an `https` server's certificate: SHA-256 or SHA-512, hexadecimal; several separated by commas |
/// | `tls-ca` | the CA that issues `https` servers' certificates: its certificate in base64, in one line |
///
/// The last two only where mbedTLS was built with TLS; what they mean together says `ServerTrust` in `Sources/TLS`.
public struct Configuration: ~Escapable {
    private let text: Span<UInt8>
    /// Where the values stand, by ``Name``; empty for names that are not set.
    private var values = InlineArray<29, Range<Int>>(repeating: 0..<0)
    public private(set) var key = KeyAlgorithm.rsa(bits: 2048)
    public private(set) var policy = Policy()
    public private(set) var challengeIsShared = false
    /// In percent; 0 for two thirds.
    public private(set) var renewalPercent = 0
    public private(set) var jitterPercent = 5
    public private(set) var keepsKey = false
    /// Nil: by the CA's capabilities.
    public private(set) var renewalType: MessageType?
    public private(set) var checksRevocation = false
    public private(set) var checksCertificate = false
    public private(set) var checkSeconds = 86_400
    public private(set) var stays = false
    public private(set) var polling = Backoff(first: 60, cap: 3600, limit: 10_000)
    public private(set) var retrying = Backoff(first: 10, cap: 3600, limit: 5)
    public private(set) var timeoutSeconds = 90
    /// Seconds since 1970; 0 if it was not told.
    public private(set) var time: Int64 = 0

    /// Reads and checks the text.
    @_lifetime(copy text)
    public init(_ text: Span<UInt8>) throws(ConfigurationError) {
        self.text = text
        var seen: UInt32 = 0
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

    private mutating func set(_ line: Range<Int>, _ seen: inout UInt32) throws(ConfigurationError) {
        guard !line.isEmpty, text[line.lowerBound] != UInt8(ascii: "#") else { return }
        var equals = line.lowerBound
        while equals < line.upperBound, text[equals] != UInt8(ascii: "=") { equals &+= 1 }
        guard equals < line.upperBound, let name = Name(text.extracting(line.lowerBound..<equals)) else {
            throw ConfigurationError(.unknownName, at: line.lowerBound)
        }
        let bit: UInt32 = 1 &<< UInt32(name.rawValue)
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
        case .message, .subject, .san, .keyUsage, .extendedKeyUsage, .template: return true
        case .challengeUse: return Self.choose(value, "once", "always", into: &challengeIsShared)
        case .key:
            guard let algorithm = Self.keyAlgorithm(value) else { return false }
            key = algorithm
            return true
        case .allow:
            guard let allowing = Policy(allowing: value) else { return false }
            policy = allowing
            return true
        case .renew: return Self.read(value, 1...99, into: &renewalPercent)
        case .jitter: return Self.read(value, 0...50, into: &jitterPercent)
        case .renewalKey: return Self.choose(value, "new", "same", into: &keepsKey)
        case .renewalType:
            if isWord(value, "17") { renewalType = .renewalReq }
            if isWord(value, "19") { renewalType = .pkcsReq }
            return renewalType != nil || isWord(value, "auto")
        case .check: return check(value)
        case .checkInterval: return Self.read(value, 60...2_592_000, into: &checkSeconds)
        case .stay: return Self.choose(value, "no", "yes", into: &stays)
        case .poll: return Self.read(value, 1...86_400, into: &polling.first)
        case .pollCap: return Self.read(value, 1...604_800, into: &polling.cap)
        case .polls: return Self.read(value, 1...100_000, into: &polling.limit)
        case .retry: return Self.read(value, 1...86_400, into: &retrying.first)
        case .retryCap: return Self.read(value, 1...604_800, into: &retrying.cap)
        case .retries: return Self.read(value, 0...100_000, into: &retrying.limit)
        case .timeout: return Self.read(value, 1...600, into: &timeoutSeconds)
        case .time: return readTime(value)
        case .tlsPin: return Fingerprints(value) != nil
        case .tlsCA: return true
        }
    }

    @_lifetime(copy self)
    private func value(_ name: Name) -> Span<UInt8> { text.extracting(values[Int(name.rawValue)]) }

    public var url: Span<UInt8> { @_lifetime(copy self) get { value(.url) } }
    public var message: Span<UInt8> { @_lifetime(copy self) get { value(.message) } }
    public var fingerprint: Span<UInt8> { @_lifetime(copy self) get { value(.fingerprint) } }
    public var subject: Span<UInt8> { @_lifetime(copy self) get { value(.subject) } }
    public var challenge: Span<UInt8> { @_lifetime(copy self) get { value(.challenge) } }
    public var subjectAltName: Span<UInt8> { @_lifetime(copy self) get { value(.san) } }
    public var keyUsage: Span<UInt8> { @_lifetime(copy self) get { value(.keyUsage) } }
    public var extendedKeyUsage: Span<UInt8> { @_lifetime(copy self) get { value(.extendedKeyUsage) } }
    public var template: Span<UInt8> { @_lifetime(copy self) get { value(.template) } }

    public var tlsPins: Span<UInt8> { @_lifetime(copy self) get { value(.tlsPin) } }
    public var tlsAuthority: Span<UInt8> { @_lifetime(copy self) get { value(.tlsCA) } }
    /// That ``tlsAuthority`` is no certificate, or that nothing here can use it or ``tlsPins``.
    var badTLSTrust: ConfigurationError {
        let certificate = values[Int(Name.tlsCA.rawValue)]
        return ConfigurationError(
            .badValue, at: (certificate.isEmpty ? values[Int(Name.tlsPin.rawValue)] : certificate).lowerBound)
    }

    /// Whether the device's key cannot decrypt, so that replies are encrypted with the password (RFC 8894, 3.1).
    var needsPassword: Bool {
        if case .rsa = key { false } else { true }
    }

    /// The first 16 bytes of the SHA-256 of the fingerprints' text: under which the CA is trusted.
    var origin: InlineArray<16, UInt8> { StateRecord.digest(text.extracting(first: 0), fingerprint) }

    /// Stands for all that a request is made from: if any of it changes, the request would be another.
    var requestDigest: UInt32 {
        var hash = Hash(.sha256)
        for number in 0...Int(Name.key.rawValue) {
            hash.update(text.extracting(values[number]))
            let separator: InlineArray<1, UInt8> = [UInt8(ascii: "\n")]
            hash.update(separator.span)
        }
        let digest = hash.finish()
        var start: UInt32 = 0
        for index in 0..<4 { start = start &<< 8 | UInt32(digest.bytes[index]) }
        return start
    }

    private static func keyAlgorithm(_ word: Span<UInt8>) -> KeyAlgorithm? {
        if isWord(word, "rsa2048") { return .rsa(bits: 2048) }
        if isWord(word, "rsa3072") { return .rsa(bits: 3072) }
        if isWord(word, "rsa4096") { return .rsa(bits: 4096) }
        if isWord(word, "p256") { return .p256 }
        if isWord(word, "p384") { return .p384 }
        return nil
    }

    /// Words that stand for false and for true.
    private static func choose(
        _ word: Span<UInt8>, _ no: StaticString, _ yes: StaticString, into value: inout Bool
    ) -> Bool {
        value = isWord(word, yes)
        return value || isWord(word, no)
    }

    private mutating func check(_ words: Span<UInt8>) -> Bool {
        var start = 0
        while let word = Self.nextWord(words, from: start) {
            if isWord(words.extracting(word), "crl") {
                checksRevocation = true
            } else if isWord(words.extracting(word), "certificate") {
                checksCertificate = true
            } else {
                return false
            }
            start = word.upperBound &+ 1
        }
        return true
    }

    /// The word of a list, separated by commas, that begins at `start`; nil behind the last.
    fileprivate static func nextWord(_ words: Span<UInt8>, from start: Int) -> Range<Int>? {
        guard start <= words.count else { return nil }
        var end = start
        while end < words.count, words[end] != UInt8(ascii: ",") { end &+= 1 }
        return start..<end
    }

    /// Ten digits reach the year 2286.
    private mutating func readTime(_ text: Span<UInt8>) -> Bool {
        guard text.count <= 10 else { return false }
        var seconds: UInt64 = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            seconds = seconds &* 10 &+ widened(UInt32(digit))
        }
        time = Int64(bitPattern: seconds)
        return true
    }

    private static func read(_ text: Span<UInt8>, _ range: ClosedRange<Int>, into value: inout Int) -> Bool {
        var number = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9, number <= 2_592_000 else { return false }
            number = number &* 10 &+ Int(digit)
        }
        guard range.contains(number) else { return false }
        value = number
        return true
    }

    private enum Name: UInt8 {
        // What a request is made from: see ``Configuration/requestDigest``.
        case url, fingerprint, subject, challenge, san, keyUsage, extendedKeyUsage, template, key
        case message, challengeUse, allow, renew, jitter, renewalKey, renewalType, check, checkInterval, stay
        case poll, pollCap, polls, retry, retryCap, retries, timeout, time
        case tlsPin, tlsCA

        /// Those of TLS are unknown without it, and do not burden an image that has none.
        private static var count: UInt8 { TLSSupport.isAvailable ? Name.tlsCA.rawValue + 1 : Name.tlsPin.rawValue }

        var text: StaticString {
            switch self {
            case .url: "url"
            case .message: "message"
            case .fingerprint: "fingerprint"
            case .subject: "subject"
            case .challenge: "challenge"
            case .challengeUse: "challenge-use"
            case .san: "san"
            case .keyUsage: "key-usage"
            case .extendedKeyUsage: "extended-key-usage"
            case .template: "template"
            case .key: "key"
            case .allow: "allow"
            case .renew: "renew"
            case .jitter: "jitter"
            case .renewalKey: "renewal-key"
            case .renewalType: "renewal-type"
            case .check: "check"
            case .checkInterval: "check-interval"
            case .stay: "stay"
            case .poll: "poll"
            case .pollCap: "poll-cap"
            case .polls: "polls"
            case .retry: "retry"
            case .retryCap: "retry-cap"
            case .retries: "retries"
            case .timeout: "timeout"
            case .time: "time"
            case .tlsPin: TLSSupport.isAvailable ? "tls-pin" : ""
            case .tlsCA: TLSSupport.isAvailable ? "tls-ca" : ""
            }
        }

        init?(_ word: Span<UInt8>) {
            var number: UInt8 = 0
            while number < Self.count, let name = Name(rawValue: number) {
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

extension Policy {
    /// - Parameter words: the leniencies, as `allow` has them; nil if one of them is none.
    public init?(allowing words: Span<UInt8>) {
        self.init()
        var start = 0
        while let range = Configuration.nextWord(words, from: start) {
            let word = words.extracting(range)
            if isWord(word, "sha1") {
                digestFloor = .sha1
            } else if isWord(word, "3des") {
                if cipherFloor != .desCBC { cipherFloor = .tripleDESCBC }
            } else if isWord(word, "des") {
                cipherFloor = .desCBC
            } else if isWord(word, "unmarked-ra") {
                allowsUnmarkedRA = true
            } else {
                return nil
            }
            start = range.upperBound &+ 1
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
