import Board
import Bytes
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

/// What a device is told at manufacture, as text: lines `name=value` that end in LF or CRLF (a last one may lack it),
/// each name at most once. Blank lines, lines that begin with `#`, and a byte order mark in front are passed over.
///
/// | name | value |
/// |---|---|
/// | `url` | of the CA, such as `http://ca.example/scep` |
/// | `message` | the CA's identifier, which goes with GetCACaps, GetCACert and GetNextCACert; absent if there is none |
/// | `fingerprint` | of the CA's certificate: SHA-256 or SHA-512, hexadecimal; several separated by commas |
/// | `subject` | as RFC 4514 has it: `CN=sensor 7,O=Example,C=DE`; see ``DER/DERWriter/write(name:)`` |
/// | `challenge` | the challengePassword; absent if there is none |
/// | `challenge-use` | `once` (default): it goes into one transaction and never into another; `always`: a shared secret, which goes into renewals too |
/// | `san` | subjectAltName: `DNS:…,IP:…,URI:…,email:…,RID:…,otherName:…`; a comma in a value is `\,`, a backslash `\\`; see ``DER/DERWriter/write(altNames:)`` |
/// | `key-usage` | of `digitalSignature`, `nonRepudiation`, `keyEncipherment`, `dataEncipherment`, `keyAgreement`, `keyCertSign`, `cRLSign`, `encipherOnly`, `decipherOnly`, separated by commas |
/// | `extended-key-usage` | of `serverAuth`, `clientAuth`, `codeSigning`, `emailProtection`, `timeStamping`, `OCSPSigning` and dotted identifiers, separated by commas |
/// | `template` | Microsoft's certificate template: a name or a dotted identifier |
/// | `key` | `rsa2048` (default), `rsa3072`, `rsa4096`, `p256`, `p384` |
/// | `allow` | leniencies: `sha1`, `3des`, `des`, `unmarked-ra`, `ca-without-key-usage`, `password-encryption`, `no-renewal`, separated by commas |
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
    /// Where the values stand, by ``Name``, as many as it has cases; empty for names that are not set, since no value is.
    private var values = InlineArray<29, Range<Int>>(repeating: 0..<0)

    /// Reads and checks the text.
    @_lifetime(copy text)
    public init(_ text: Span<UInt8>) throws(ConfigurationError) {
        self.text = text
        var start = 0
        if isWord(text.extracting(first: 3), "\u{FEFF}") { start = 3 }
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end &+= 1 }
            try set(start..<(end > start && text[end &- 1] == UInt8(ascii: "\r") ? end &- 1 : end))
            start = end &+ 1
        }
        var missing: Name?
        if subject.count == 0, subjectAltName.count == 0 { missing = .subject }
        if fingerprint.count == 0 { missing = .fingerprint }
        if url.count == 0 { missing = .url }
        if let missing { throw error(.missing, missing, at: text.count) }
    }

    @inline(never)
    private func error(_ kind: ConfigurationError.Kind, _ name: Name?, at offset: Int) -> ConfigurationError {
        var line = 1
        for index in 0..<offset where text[index] == UInt8(ascii: "\n") { line &+= 1 }
        return ConfigurationError(kind, name, at: offset, line: line)
    }

    @inline(never)
    private mutating func set(_ line: Range<Int>) throws(ConfigurationError) {
        guard !line.isEmpty, text[line.lowerBound] != UInt8(ascii: "#") else { return }
        var equals = line.lowerBound
        while equals < line.upperBound, text[equals] != UInt8(ascii: "=") { equals &+= 1 }
        guard equals < line.upperBound, let name = Name(text.extracting(line.lowerBound..<equals)) else {
            throw error(.unknownName, nil, at: line.lowerBound)
        }
        guard values[Int(name.rawValue)].isEmpty else {
            throw error(.duplicate, name, at: line.lowerBound)
        }
        let value = (equals &+ 1)..<line.upperBound
        guard !value.isEmpty, accept(name, text.extracting(value)) else {
            throw error(.badValue, name, at: equals &+ 1)
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
        case .challengeUse: return Self.choose(name, value, into: &challengeIsShared)
        case .key:
            guard let algorithm = Self.keyAlgorithm(value) else { return false }
            key = algorithm
            return true
        case .allow:
            guard let allowing = Policy(allowing: value) else { return false }
            policy = allowing
            return true
        case .renew: return Self.read(name, value, into: &renewalPercent)
        case .jitter: return Self.read(name, value, into: &jitterPercent)
        case .renewalKey: return Self.choose(name, value, into: &keepsKey)
        case .renewalType:
            switch name.number(of: value) {
            case 0: break
            case 1: renewalType = .renewalReq
            case 2: renewalType = .pkcsReq
            default: return false
            }
            return true
        case .check: return check(value)
        case .checkInterval: return Self.read(name, value, into: &checkSeconds)
        case .stay: return Self.choose(name, value, into: &stays)
        case .poll: return Self.read(name, value, into: &polling.first)
        case .pollCap: return Self.read(name, value, into: &polling.cap)
        case .polls: return Self.read(name, value, into: &polling.limit)
        case .retry: return Self.read(name, value, into: &retrying.first)
        case .retryCap: return Self.read(name, value, into: &retrying.cap)
        case .retries: return Self.read(name, value, into: &retrying.limit)
        case .timeout: return Self.read(name, value, into: &timeoutSeconds)
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
        let name = tlsAuthority.count > 0 ? Name.tlsCA : .tlsPin
        return error(.badValue, name, at: values[Int(name.rawValue)].lowerBound)
    }

    /// Whether the device's key cannot decrypt, so that replies are encrypted with the password (RFC 8894, 3.1).
    var needsPassword: Bool {
        if case .rsa = key { false } else { true }
    }

    /// The first bytes of the SHA-256 of all that was configured: another one is another configuration.
    var digest: UInt32 { bigEndian(Hash.digest(.sha256, of: text).bytes, at: 0) }

    private static func keyAlgorithm(_ word: Span<UInt8>) -> KeyAlgorithm? {
        switch Name.key.number(of: word) {
        case 0: .rsa(bits: 2048)
        case 1: .rsa(bits: 3072)
        case 2: .rsa(bits: 4096)
        case 3: .p256
        case 4: .p384
        default: nil
        }
    }

    /// Of the two words that the name can have, the first stands for false.
    private static func choose(_ name: Name, _ word: Span<UInt8>, into value: inout Bool) -> Bool {
        let number = name.number(of: word)
        value = number == 1
        return number != nil
    }

    private mutating func check(_ words: Span<UInt8>) -> Bool {
        var start = 0
        while let word = Self.nextWord(words, from: start) {
            switch Name.check.number(of: words.extracting(word)) {
            case 0: checksRevocation = true
            case 1: checksCertificate = true
            default: return false
            }
            start = word.upperBound &+ 1
        }
        return true
    }

    /// The word of a list, separated by commas, that begins at `start`; nil behind the last.
    @inline(never)
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

    private static func read(_ name: Name, _ text: Span<UInt8>, into value: inout Int) -> Bool {
        let range = name.values
        guard let number = number(text), let least = Self.number(word(0, of: range)),
            let greatest = Self.number(word(2, of: range)), least <= number, number <= greatest
        else { return false }
        value = number
        return true
    }

    @inline(never)
    private static func number(_ text: Span<UInt8>) -> Int? {
        var number = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9, number <= 2_592_000 else { return nil }
            number = number &* 10 &+ Int(digit)
        }
        return number
    }

    /// What can be set.
    public enum Name: UInt8, Sendable {
        case url, fingerprint, subject, challenge, san, keyUsage, extendedKeyUsage, template, key
        case message, challengeUse, allow, renew, jitter, renewalKey, renewalType, check, checkInterval, stay
        case poll, pollCap, polls, retry, retryCap, retries, timeout, time
        case tlsPin, tlsCA

        /// In the order of the numbers, separated by blanks. Those of TLS are unknown without it, and do not burden an image
        /// that has none.
        private static var texts: StaticString {
            TLSSupport.isAvailable
                ? """
                url fingerprint subject challenge san key-usage extended-key-usage template key message challenge-use allow \
                renew jitter renewal-key renewal-type check check-interval stay poll poll-cap polls retry retry-cap retries \
                timeout time tls-pin tls-ca
                """
                : """
                url fingerprint subject challenge san key-usage extended-key-usage template key message challenge-use allow \
                renew jitter renewal-key renewal-type check check-interval stay poll poll-cap polls retry retry-cap retries \
                timeout time
                """
        }

        public var text: Span<UInt8> {
            @_lifetime(immortal) get { word(Int(rawValue), of: Self.texts) }
        }

        /// What it can have for a value, for a person and for ``Configuration``: words separated by blanks, or a range.
        var values: Span<UInt8> {
            @_lifetime(immortal) get { tableRow(rawValue, of: valuesOfNames) }
        }

        /// Which of the words that it can have this is, from 0.
        func number(of word: Span<UInt8>) -> Int? { position(of: word, among: values) }

        init?(_ word: Span<UInt8>) {
            guard let number = position(of: word, among: Self.texts) else { return nil }
            self.init(rawValue: UInt8(truncatingIfNeeded: number))
        }
    }
}

/// A row for each ``Configuration/Name``, in its order.
private let valuesOfNames: StaticString =
    """
    an http or https URL
    64 or 128 hexadecimal digits
    a name
    1 to 255 bytes
    names
    usages
    usages
    a name
    rsa2048 rsa3072 rsa4096 p256 p384
    a name
    once always
    sha1 3des des unmarked-ra ca-without-key-usage password-encryption no-renewal
    1 to 99
    0 to 50
    new same
    auto 17 19
    crl certificate
    60 to 2592000
    no yes
    1 to 86400
    1 to 604800
    1 to 100000
    1 to 86400
    1 to 604800
    0 to 100000
    1 to 600
    seconds since 1970
    64 or 128 hexadecimal digits
    a certificate in base64
    """

extension Policy {
    /// - Parameter words: the leniencies, as `allow` has them; nil if one of them is none.
    public init?(allowing words: Span<UInt8>) {
        self.init()
        var start = 0
        while let range = Configuration.nextWord(words, from: start) {
            switch Configuration.Name.allow.number(of: words.extracting(range)) {
            case 0: digestFloor = .sha1
            case 1: if cipherFloor != .desCBC { cipherFloor = .tripleDESCBC }
            case 2: cipherFloor = .desCBC
            case 3: allowsUnmarkedRA = true
            case 4: allowsCAWithoutKeyUsage = true
            case 5: allowsPasswordEncryption = true
            case 6: allowsNoRenewal = true
            default: return nil
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
        /// `url` or `fingerprint` is not set, or neither `subject` nor `san`.
        case missing
    }

    public let kind: Kind
    /// Whose line it is; nil where the name is not known.
    public let name: Configuration.Name?
    /// In bytes, from the start of the text.
    public let offset: Int
    /// The number of its line, from 1.
    public let line: Int

    public init(_ kind: Kind, _ name: Configuration.Name? = nil, at offset: Int, line: Int = 1) {
        self.kind = kind
        self.name = name
        self.offset = offset
        self.line = line
    }
}
