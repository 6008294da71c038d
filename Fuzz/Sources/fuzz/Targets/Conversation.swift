import Agent
import Board
import CMS
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP
import TestSupport

/// A device's life against a network that says what the input says, in part honestly, so that it gets deep: it enrols,
/// waits, renews, is switched off and on. Whatever it is told, it never stores a certificate that the CA did not sign, or
/// that has not its key, and once it has an identity it keeps one.
func converse(_ bytes: [UInt8]) {
    var network = Network(Input(bytes))
    var store = IdentityStore(MemorySnapshots())
    var clock = SteppingClock()
    var hadIdentity = false
    for _ in 0...network.input.number(below: 4) {
        let choice = network.input.byte()
        clock.seconds += choice & 1 == 0 ? 0 : 250_000_000  // eight of the ten years of a certificate
        clock.isKnown = choice & 2 == 0
        var agent = Agent<SmoothKey, 4096>()
        agent.mayWait = choice & 4 == 0
        let text = Conversation.text + (choice & 8 == 0 ? [] : [UInt8]("check=crl,certificate\n"))
        live(&agent, text, &network, &clock, &store)
        let identity = Conversation.checkIdentity(&store, signed: network.signed)
        require(identity || !hadIdentity, "a device keeps its identity")
        hadIdentity = identity
    }
    require(hadIdentity || !bytes.isEmpty, "an honest network gives a device its identity")
}

private func live(
    _ agent: inout Agent<SmoothKey, 4096>, _ text: [UInt8], _ network: inout Network, _ clock: inout SteppingClock,
    _ store: inout IdentityStore<MemorySnapshots>
) {
    guard let configuration = try? Configuration(text.span) else { return }
    var log = CheckedLog()
    var random = seededRandom()
    var traffic = Traffic()
    var buffer = [UInt8](repeating: 0, count: 8192)
    var work = buffer.mutableSpan
    do throws(AgentError) {
        try agent.run(
            configuration: configuration, transport: &network, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic)
    } catch {
        logResult(error, work: work.span, log: &log)
    }
}

enum Conversation {
    static let text =
        [UInt8]("url=http://ca.example/scep\nsubject=CN=sensor\nchallenge=secret\nretries=2\npolls=2\nfingerprint=")
        + Authority.fingerprint + [0x0A]

    /// Whether the store has an identity; what it has is right.
    static func checkIdentity(_ store: inout IdentityStore<MemorySnapshots>, signed: [[UInt8]]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 8192)
        var span = buffer.mutableSpan
        guard (try? store.open()) != nil, let size = try? store.read(.certificate, into: &span) else { return false }
        let certificate = span.span.extracting(0..<size).array
        require(signed.contains(certificate), "the CA signed the device's certificate")
        guard (try? store.read(.privateKey, into: &span)) == 1, let parsed = try? Certificate(certificate.span) else {
            require(false, "a certificate has a key")
            return true
        }
        var key = SmoothKey(Int(span[0]))
        require((try? parsed.subjectPublicKeyInfo.matches(&key, scratch: &span)) == true, "they belong together")
        return true
    }
}

/// Lines are text, whatever the far side said.
private struct CheckedLog: AgentLog {
    mutating func write(line: Span<UInt8>) {
        for index in line.indices { require(0x20..<0x7F ~= line[index], "a line is printable ASCII") }
    }
}

/// Goes on when somebody looks or sleeps.
private struct SteppingClock: Clock {
    var seconds: Int64 = 1_767_225_600  // 2026-01-01
    var isKnown = true
    var uptime: UInt64 = 0

    var time: Int64? { isKnown ? seconds : nil }

    mutating func sleep(milliseconds: UInt64) {
        uptime += milliseconds
        seconds += Int64(milliseconds / 1000) + 1
    }
}

/// The line to a CA, which may be honest.
private struct Network: Transport {
    var input: Input
    /// All certificates that the CA signed.
    private(set) var signed = [Authority.root, Authority.registration] + Authority.devices
    private var sent: [UInt8] = []
    private var reply: [UInt8]?
    private var position = 0
    private var exchanges = 0
    private var step = Int.max

    init(_ input: Input) {
        self.input = input
    }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
        exchanges += 1
        // An input that has ended goes on honestly; a device that goes on for ever would be a finding of its own.
        require(exchanges < 500, "a conversation ends")
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        sent += bytes.array
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        let bytes: [UInt8]
        if let reply {
            bytes = reply
        } else {
            bytes = try answer()
            reply = bytes
        }
        let count = min(buffer.count, bytes.count - position, step)
        for index in 0..<count { buffer[index] = bytes[position + index] }
        position += count
        return count
    }

    mutating func close() {
        sent = []
        reply = nil
        position = 0
    }

    private mutating func answer() throws(TransportError) -> [UInt8] {
        let choice = input.byte()
        step = choice & 0x80 == 0 ? .max : 1
        switch choice & 7 {
        case 1: return input.piece()
        case 2: throw TransportError(rawValue: 1 + input.byte() % 7) ?? .reset
        case 3:
            let head = [UInt8]("HTTP/1.0 200 OK\r\nContent-Type: application/x-pki-message\r\n\r\n")
            return head + input.piece()
        case 4:
            var reply = honest()
            input.corrupt(&reply)
            return reply
        case 5: return Array(honest().prefix(Int(input.byte()) * 16))
        default: return honest()
        }
    }

    // MARK: the CA

    private mutating func honest() -> [UInt8] {
        let request = String(decoding: sent.prefix(128), as: UTF8.self)
        let type: StaticString
        let body: [UInt8]
        if request.contains("GetCACaps") {
            type = "text/plain"
            let choice = input.byte()
            body = choice == 0 ? [UInt8]("AES\nPOSTPKIOperation\nSHA-256\nRenewal\nGetNextCACert\n") : input.piece()
        } else if request.contains("GetCACert") {
            type = "application/x-x509-ca-ra-cert"
            body = Authority.certificatesOnly(certificates: Authority.trusted)
        } else if request.contains("GetNextCACert") {
            type = "application/x-x509-next-ca-cert"
            let next = CertificateParts(
                serialNumber: [9], subject: Authority.rootName, key: 1, signer: 0,
                extensions: Authority.basicConstraints + Authority.caKeyUsage
            ).encoding
            body = Authority.signedData(
                Authority.certificatesOnly(certificates: next), by: 0, certificate: Authority.root)
        } else {
            type = "application/x-pki-message"
            body = certRep()
        }
        let head = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: "
        return Array(head.utf8) + [UInt8](type) + Array("\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    /// Answers a pkiMessage; empty where the request is none, or a GET.
    private mutating func certRep() -> [UInt8] {
        guard let end = sent.firstRange(of: [13, 10, 13, 10])?.upperBound, end < sent.count else { return [] }
        let message = Array(sent[end...])
        guard let request = try? SignedData(message.span, in: 0..<message.count), let signer = request.signer,
            let identifier = try? signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.7"), .printableString),
            let nonce = try? signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.5"), .octetString)
        else {
            require(false, "a device's message can be read")
            return []
        }
        var parts = CertRepParts(
            transactionID: identifier.contents.array, recipientNonce: nonce.contents.array)
        let choice = input.byte()
        switch choice & 7 {
        case 1: parts.pkiStatus = [UInt8]("3")
        case 2:
            parts.pkiStatus = [UInt8]("2")
            parts.failInfo = [UInt8("0".utf8.first ?? 0) + input.byte() % 8]
            parts.failInfoText = input.piece()
        case 3: parts.more = input.piece()
        case 4: parts.recipientNonce = input.piece()
        default: break
        }
        parts.isByRA = choice & 8 != 0
        let content: [UInt8]
        switch choice >> 4 & 3 {
        case 0: content = Authority.certificatesOnly(certificates: issued(), crls: revocationList())
        case 1: content = input.piece()
        case 2: content = Authority.certificatesOnly(certificates: Authority.devices[0] + Authority.devices[1])
        default: content = Authority.certificatesOnly(certificates: issued() + input.piece())
        }
        let sender = Array(message[request.certificates])
        if parts.pkiStatus == [UInt8]("0") { parts.content = Authority.envelop(content, for: sender) }
        return parts.encoding
    }

    /// Certificates for both keys, valid for longer than those before.
    private mutating func issued() -> [UInt8] {
        let year = 34 + min(exchanges, 15)
        return [2, 3].flatMap { key in
            var parts = CertificateParts(key: key, extensions: Authority.keyUsage)
            parts.serialNumber = [UInt8(0x10 + exchanges % 64)]
            parts.notAfter = Array("\(year)0101000000Z".utf8)
            signed.append(parts.encoding)
            return parts.encoding
        }
    }

    private mutating func revocationList() -> [UInt8] {
        Authority.revocationList(entries: input.byte() == 0 ? [] : input.piece())
    }
}
