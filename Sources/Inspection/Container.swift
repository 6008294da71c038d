import Bytes
import DER
import HTTP
import Output
import SCEP

/// What a file's bytes are, before anyone looks into the objects in it.
struct Container {
    struct Part {
        /// PEM's label; empty elsewhere.
        let label: Text
        fileprivate(set) var bytes: [UInt8]
        /// Where it stands in the file; nil if it had to be decoded first.
        let offset: Int?
    }

    enum Form {
        case binary, pem, base64, capabilities, html, text, empty

        var word: StaticString {
            switch self {
            case .binary: "binary"
            case .pem: "PEM"
            case .base64: "base64"
            case .capabilities, .text: "text"
            case .html: "HTML"
            case .empty: "empty"
            }
        }
    }

    /// A reply in front of whose body its head stands.
    struct Reply {
        var head: [Text] = []
        var mediaType = MediaType.missing
        /// Why a client would refuse the reply.
        var failure: HTTPError?
    }

    private(set) var reply: Reply?
    let form: Form
    /// What was looked at: a reply's body, or all of the file.
    let body: [UInt8]
    private(set) var parts: [Part]
    /// What is wrong with PEM.
    let failure: PEM.Failure?

    init(_ file: [UInt8]) {
        let bytes: [UInt8]
        var offset: Int? = 0
        if file.starts(with: "HTTP/") {
            var reply = Reply()
            bytes = Self.read(file, &reply)
            self.reply = reply
            offset = nil
        } else {
            bytes = file
        }
        body = bytes
        form = Self.form(bytes)
        (parts, failure) = Self.parts(of: bytes, form, offset)
    }

    private static func parts(of bytes: [UInt8], _ form: Form, _ offset: Int?) -> ([Part], PEM.Failure?) {
        switch form {
        case .pem:
            do throws(PEM.Failure) {
                let blocks = try PEM.blocks(bytes.span)
                return (blocks.map { Part(label: $0.label, bytes: $0.bytes, offset: nil) }, nil)
            } catch {
                return ([], error)
            }
        case .base64: return ([Part(label: [], bytes: base64(bytes) ?? [], offset: nil)], nil)
        case .binary: return ([Part(label: [], bytes: bytes, offset: offset)], nil)
        case .capabilities, .html, .text, .empty: return ([], nil)
        }
    }

    private static func form(_ bytes: [UInt8]) -> Form {
        guard let first = bytes.first else { return .empty }
        if PEM.isIn(bytes.span) { return .pem }
        if first == Tag.sequence.rawValue, bytes.count > 1, bytes[1] >= 0x7F || !isText(bytes) { return .binary }
        guard isText(bytes) else { return .binary }
        if var decoded = base64(bytes) {
            defer { decoded.wipe() }
            if decoded.first == Tag.sequence.rawValue { return .base64 }
        }
        if Capabilities(bytes.span) != Capabilities() { return .capabilities }
        let start = bytes.first { $0 > 0x20 }
        return start == UInt8(ascii: "<") ? .html : .text
    }

    /// Decodes lines of base64; nil if they are anything else.
    private static func base64(_ text: [UInt8]) -> [UInt8]? {
        var decoder = Base64(capacity: text.count / 4 * 3 + 3)
        var lines = Lines(text.span)
        var isBase64 = true
        while isBase64, let line = lines.next() { isBase64 = decoder.append(text.span.extracting(line)) }
        guard isBase64, decoder.finish() else {
            decoder.bytes.wipe()
            return nil
        }
        return decoder.bytes
    }

    /// Wipes what was decoded: it may be a key. What was read belongs to who read it.
    mutating func wipe() {
        guard form == .pem || form == .base64 else { return }
        for index in parts.indices { parts[index].bytes.wipe() }
    }

    /// Whether there is no control byte in it that text does not have.
    private static func isText(_ bytes: [UInt8]) -> Bool {
        for byte in bytes.prefix(4096) where byte < 0x20 && !(0x09...0x0D ~= byte) || byte == 0x7F { return false }
        return true
    }

    /// - Returns: the body; what stands behind the head if the client would refuse the reply.
    private static func read(_ file: [UInt8], _ reply: inout Reply) -> [UInt8] {
        var position = 0
        while position < file.count, reply.head.count < 64 {
            var end = position
            while end < file.count, file[end] != UInt8(ascii: "\n") { end += 1 }
            let line = file.part(position..<end).trimmed
            position = min(end + 1, file.count)
            if line.isEmpty { break }
            reply.head.append(line)
        }
        var work = [UInt8](repeating: 0, count: file.count + 1)
        var reader = ResponseReader(limits: ResponseLimits(), capacity: work.count)
        var taken = 0
        do throws(HTTPError) {
            var buffer = work.mutableSpan
            while taken < file.count, !reader.isComplete {
                let free = reader.freeRange
                let count = min(free.count, file.count - taken)
                for index in 0..<count { buffer[free.lowerBound + index] = file[taken + index] }
                taken += count
                try reader.received(count, in: &buffer)
            }
            try reader.ended(in: &buffer)
        } catch {
            reply.failure = error
            return file.part(position..<file.count)
        }
        reply.mediaType = reader.response.mediaType
        return work.part(reader.response.body)
    }
}

extension Container {
    /// Every element of a file, in DER, which the caller wipes; what cannot be read ends its part.
    static func elements(of file: [UInt8]) -> [[UInt8]] {
        var container = Container(file)
        defer { container.wipe() }
        return elements(of: container.parts)
    }

    static func elements(of parts: [Part]) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        for part in parts {
            var position = 0
            while position < part.bytes.count, let form = try? EncodingForm(part.bytes, at: position),
                let element = try? part.bytes.normalized(position..<form.end)
            {
                elements.append(element)
                position = form.end
            }
        }
        return elements
    }
}

extension [[UInt8]] {
    /// Each of them must be the only owner of its bytes.
    mutating func wipe() {
        for index in indices { self[index].wipe() }
    }
}

extension MediaType {
    var name: StaticString {
        switch self {
        case .missing: "none"
        case .caCertificate: "application/x-x509-ca-cert"
        case .caRACertificate: "application/x-x509-ca-ra-cert"
        case .nextCACertificate: "application/x-x509-next-ca-cert"
        case .pkiMessage: "application/x-pki-message"
        case .text: "text/plain"
        case .html: "text/html"
        case .other: "another"
        }
    }
}
