import Foundation
import Synchronization
import TestSupport

@testable import Gateway
@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// A CA behind HTTP on this machine. openssl opens what it is sent, issues and answers; only what joins request and reply
/// is read by us.
final class StandInCA: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// An answer to a question without a message.
    struct Answer {
        var status = 200
        var type = "application/x-x509-ca-cert"
        var body: [UInt8] = []
    }

    struct State {
        var capabilities = Answer(type: "text/plain", body: Array("SCEPStandard\nAES\nSHA-256\nRenewal\n".utf8))
        var certificates: Answer
        var next = Answer(status: 404)
        /// How often a request is left for a person to decide.
        var pending = 0
        /// The failInfo of each reply; nil: it is a good one.
        var failInfo: String?
        /// In DER.
        var revocationList: [UInt8] = []
        /// What was issued last, in PEM.
        var issued: [UInt8] = []
        /// Each question's operation and message, and each pkiMessage's messageType and request, as openssl has it.
        var asked: [String] = []
        /// The challengePasswords of the requests.
        var passwords: [String] = []
    }

    static let authority = Result {
        try OpenSSLIdentity(
            subject: "/O=Example/CN=Stand-in CA",
            extensions: ["keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign"], days: 3650)
    }

    let ca: OpenSSLIdentity
    let port: UInt16
    let state: Mutex<State>
    private let listener: Int32

    var url: String { "http://127.0.0.1:\(port)/scep" }
    var asked: [String] { state.withLock { $0.asked } }

    /// - Parameter other: a CA in place of the one that all share.
    init(_ other: OpenSSLIdentity? = nil) throws {
        ca = try other ?? Self.authority.get()
        state = Mutex(State(certificates: Answer(body: ca.der)))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else { throw Failure(description: "nothing can listen") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in serve() }
    }

    /// Ends it; a connection that is open is served to its end.
    func end() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve() {
        defer { close(listener) }
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            serve(connection)
            close(connection)
        }
    }

    private func serve(_ connection: Int32) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        var (bodyStart, bodyCount) = (0, 0)
        while bodyStart == 0 || bytes.count < bodyStart + bodyCount {
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { return }
            bytes += chunk.prefix(count)
            guard bodyStart == 0, let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
            bodyStart = end.upperBound
            let head = String(decoding: bytes.prefix(bodyStart), as: UTF8.self)
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
                bodyCount = Int(line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)) ?? 0
            }
        }
        let target = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first ?? ""
        let answer: Answer
        do {
            answer = try self.answer(to: String(target), Array(bytes[bodyStart...]))
        } catch {
            answer = Answer(status: 500, type: "text/plain", body: Array("\(error)".utf8))
        }
        let head =
            "HTTP/1.1 \(answer.status) X\r\nContent-Type: \(answer.type)\r\nContent-Length: \(answer.body.count)\r\n"
            + "Connection: close\r\n\r\n"
        let reply = Array(head.utf8) + answer.body
        var written = 0
        while written < reply.count {
            let count = reply[written...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            written += count
        }
    }

    private func answer(to target: String, _ body: [UInt8]) throws -> Answer {
        let query = target.drop { $0 != "?" }.dropFirst().split(separator: "&").map(String.init)
        let operation = query.first { $0.hasPrefix("operation=") }.map { String($0.dropFirst(10)) } ?? ""
        let message = query.first { $0.hasPrefix("message=") }.map { " " + $0.dropFirst(8) } ?? ""
        if operation == "PKIOperation" { return try Answer(type: "application/x-pki-message", body: reply(to: body)) }
        return state.withLock {
            $0.asked.append(operation + message)
            switch operation {
            case "GetCACaps": return $0.capabilities
            case "GetCACert": return $0.certificates
            case "GetNextCACert": return $0.next
            default: return Answer(status: 400)
            }
        }
    }

    private func reply(to message: [UInt8]) throws -> [UInt8] {
        guard let facts = RequestFacts(message), let type = facts.messageType else {
            throw Failure(description: "no pkiMessage")
        }
        return try withTemporaryDirectory { directory in
            let file = try directory.write(message, to: "message")
            let signer = try directory.write(
                OpenSSL.run(["x509", "-inform", "DER"], input: facts.signer), to: "signer.crt")
            let content = try ca.open(
                OpenSSL.run([
                    "cms", "-verify", "-binary", "-inform", "DER", "-in", file, "-CAfile", signer, "-partial_chain",
                    "-purpose", "any",
                ]))
            let state = self.state.withLock { state in
                defer { if state.pending > 0, [17, 19, 20].contains(type) { state.pending -= 1 } }
                return state
            }
            var words = "\(type)"
            if type == 17 || type == 19 {
                let request = try OpenSSL.run(["req", "-inform", "DER"], input: content)
                words += try note(request, in: directory)
            }
            self.state.withLock { $0.asked.append(words) }
            return try answered(facts, type, state, signer)
        }
    }

    /// Has openssl verify a request, and certify it for the time when it is due.
    private func note(_ request: [UInt8], in directory: URL) throws -> String {
        let text = String(
            decoding: try OpenSSL.run(
                ["req", "-verify", "-noout", "-text", "-nameopt", "RFC2253"], input: request), as: UTF8.self)
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let subject = lines.first { $0.hasPrefix("Subject:") }.map { " " + $0.dropFirst(9) } ?? ""
        let password = lines.first { $0.hasPrefix("challengePassword") }
            .map { String($0.drop { $0 != ":" }.dropFirst()) }
        // Each is good for longer than the one before, as a renewal has to be.
        let days = state.withLock { 30 + $0.passwords.count }
        let issued = try OpenSSL.run(
            [
                "x509", "-req", "-days", "\(days)", "-CA", directory.write(ca.certificate, to: "by.crt"), "-CAkey",
                directory.write(ca.key, to: "by.key"),
            ], input: request)
        state.withLock {
            $0.issued = issued
            $0.passwords.append(password ?? "")
        }
        return subject
    }

    private func answered(_ facts: RequestFacts, _ type: Int, _ state: State, _ signer: String) throws -> [UInt8] {
        func joined(_ message: SignedMessage) throws -> [UInt8] {
            try message.setting(6, facts.senderNonce.tagged(4)).setting(7, facts.transactionID.tagged(0x13)).encoded()
        }
        if let failInfo = state.failInfo {
            return try joined(SignedMessage.reply("2", from: ca).setting(4, SignedMessage.text(failInfo)))
        }
        if state.pending > 0, [17, 19, 20].contains(type) { return try joined(.reply("3", from: ca)) }
        let content =
            type == 22
            ? try OpenSSL.run(
                ["crl2pkcs7", "-inform", "DER", "-outform", "DER"], input: state.revocationList)
            : try OpenSSLIdentity.bundle([OpenSSLIdentity(key: [], pem: self.state.withLock { $0.issued })])
        let recipient = try OpenSSLIdentity(key: [], pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: signer))))
        return try joined(.reply("0", from: ca, content: recipient.envelope(content)))
    }

    /// A reply to GetNextCACert with these certificates.
    func offer(next: [OpenSSLIdentity]) throws {
        let body = try ca.sign(OpenSSLIdentity.bundle(next))
        state.withLock {
            $0.next = Answer(type: "application/x-x509-next-ca-cert", body: body)
            $0.capabilities.body += Array("GetNextCACert\n".utf8)
        }
    }
}
