import Authority
import AuthorityServer
import Emulator
import FaultProxy
import Foundation
import Interference
import LibCrypto
import Synchronization
import Testing

/// One defect a row: each ends in its own error and one line that says what to do, and stores no certificate.
@Suite struct BoardBadInputTests {
    /// A device that is told something wrong, or has a CA that does something wrong.
    struct Defect: Sendable, CustomTestStringConvertible {
        let name: String
        let kind: String
        /// In the sentence.
        let text: String
        let configure: @Sendable (inout CAConfiguration) -> Void
        let record: @Sendable (inout ProvisioningRecord) -> Void

        var testDescription: String { name }

        init(
            _ name: String, _ kind: String, _ text: String,
            configure: @escaping @Sendable (inout CAConfiguration) -> Void = { _ in },
            record: @escaping @Sendable (inout ProvisioningRecord) -> Void = { _ in }
        ) {
            self.name = name
            self.kind = kind
            self.text = text
            self.configure = configure
            self.record = record
        }

        /// A CA that misbehaves in answer to `operations`.
        static func fault(
            _ fault: Fault, _ operations: CAOperation..., becomes kind: String, _ text: String
        ) -> Defect {
            let rule = FaultRule(fault, operations: operations.isEmpty ? [.pkiOperation] : Set(operations))
            return Defect("\(fault) at \(operations)", kind, text, configure: { $0.faults = [rule] })
        }
    }

    /// Tried on firmware and on Linux.
    static let defects: [Defect] = [
        Defect(
            "wrong fingerprint", "fingerprint-mismatch", "nothing was sent to it",
            record: { $0.fingerprint = String(repeating: "a5", count: 32) }),
        Defect("wrong password", "refused", "check challenge", record: { $0.challenge = "guessed" }),
        Defect(
            "a host that DNS does not know", "name-unknown", "check url and DNS",
            record: { $0.url = "http://ca.invalid/scep" }),
        Defect("https", "https-unsupported", "http://", record: { $0.url = "https://10.0.2.2/scep" }),

        .fault(.html, .getCACert, becomes: "not-scep", "check url and message"),
        .fault(.html, becomes: "not-scep", "the reply to PKCSReq is"),
        .fault(.status(500), .getCACert, becomes: "http-status", "HTTP 500"),
        .fault(.emptyBody, .getCACert, becomes: "not-scep", "GetCACert"),
        .fault(.truncated(200), .getCACert, becomes: "reply-truncated", "try again"),
        .fault(.truncated(700), becomes: "reply-truncated", "try again"),
        .fault(.oversized(1 << 20), .getCACert, becomes: "reply-too-large", "does not fit"),
        .fault(.oversized(1 << 20), becomes: "reply-too-large", "does not fit"),
        .fault(.close, .getCACert, becomes: "no-reply", "try again"),

        .fault(.wrongTransactionID, becomes: "wrong-transaction", "another transaction"),
        .fault(.wrongRecipientNonce, becomes: "wrong-nonce", "another request"),
        .fault(.certificateForAnotherKey, becomes: "wrong-key", "was not stored"),
        .fault(.unknownIssuer, becomes: "wrong-issuer", "was not stored"),
        .fault(.unknownSigner, becomes: "unknown-signer", "someone may be in between"),
        .fault(.brokenSignature, becomes: "bad-signature", "someone may be in between"),
        .fault(.obsoleteAlgorithms, becomes: "weak-algorithms", "allow=sha1,des"),
        .fault(.failure(Refusal(.badRequest, "not that")), becomes: "refused", "it says: not that"),
    ]

    /// Close to those above, and tried where a run takes no time.
    static let furtherDefects: [Defect] = [
        Defect("no password", "refused", "check challenge", record: { $0.challenge = nil }),
        Defect(
            "a CA that refuses everyone", "refused", "the line is closed",
            configure: { $0.policy = .refuse(Refusal(.badTime, "the line is closed")) }),
        .fault(.status(503), becomes: "http-status", "HTTP 503"),
        .fault(.emptyBody, becomes: "not-scep", "PKCSReq"),
        .fault(.html, .getCACaps, becomes: "no-capabilities", "check url"),
        .fault(.status(404), .getCACaps, becomes: "http-status", "HTTP 404"),
        .fault(.close, .getCACaps, becomes: "no-reply", "GetCACaps"),
        .fault(.oversized(1 << 20), .getCACaps, becomes: "reply-too-large", "does not fit"),
        .fault(.close, becomes: "no-reply", "try again"),
        .fault(.failure(Refusal(.badAlg, "not that")), becomes: "refused", "badAlg"),
        .fault(.failure(Refusal(.badMessageCheck, "not that")), becomes: "refused", "badMessageCheck"),
        .fault(.failure(Refusal(.badTime, "not that")), becomes: "refused", "badTime"),
        .fault(.failure(Refusal(.badCertId, "not that")), becomes: "refused", "badCertId"),
    ]

    @Test(arguments: Bench.chosen(from: [.linux]), furtherDefects)
    func furtherDefectEndsInItsErrorAndInNoIdentity(board: BoardKind, defect: Defect) async throws {
        try await defectEndsInItsErrorAndInNoIdentity(board: board, defect: defect)
    }

    @Test(arguments: Bench.troubledBoards, defects)
    func defectEndsInItsErrorAndInNoIdentity(board: BoardKind, defect: Defect) async throws {
        try await Bench.withAuthority(defect.configure) { server in
            var record = try Bench.record(board, for: server)
            defect.record(&record)
            try await expect(defect.kind, defect.text, of: board, with: record)
            #expect(server.authority.issuedCertificates().count <= 1)
        }
    }

    /// What no server of good manners would send.
    static let impositions: [(name: String, kind: String, text: String, answer: Delivery)] = [
        ("another service", "not-http", "check url", Delivery(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8))),
        (
            "a redirection", "redirected", "http://elsewhere/",
            Delivery(Array("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n".utf8))
        ),
        ("a broken connection", "connection-lost", "try again", Delivery(Array("HTTP/1.0 200 O".utf8), end: .reset)),
        (
            "an endless header", "reply-too-large", "does not fit",
            Delivery(Array(("HTTP/1.0 200 OK\r\nX: " + String(repeating: "x", count: 100_000)).utf8))
        ),
        (
            "two lengths", "http-malformed", "proper HTTP",
            Delivery(Array("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".utf8))
        ),
        (
            "an endless chunk", "http-malformed", "proper HTTP",
            Delivery(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".utf8))
        ),
    ]

    @Test(arguments: Bench.troubledBoards, impositions.indices)
    func serverOfBadMannersIsAnError(board: BoardKind, row: Int) async throws {
        let imposition = Self.impositions[row]
        // At GetCACert, since what goes wrong at GetCACaps can be put up with in an old server.
        let capabilities = Array("HTTP/1.0 200 OK\r\n\r\nAES\nPOSTPKIOperation\nSHA-256\n".utf8)
        let impostor = try FaultProxy { request, _ in
            request.operation == .getCACaps ? Delivery(capabilities) : imposition.answer
        }
        defer { impostor.stop() }
        let record = try Bench.record(board, port: impostor.port, root: [1])
        // QEMU's router sometimes ends a connection in order where the server broke it.
        let kinds = board.isMachine && imposition.kind == "connection-lost" ? ["reply-truncated"] : []
        try await expect(imposition.kind, or: kinds, imposition.text, of: board, with: record)
    }

    /// More certificates than the small board has space for; a larger one takes them.
    @Test(arguments: Bench.troubledBoards)
    func longChainIsTakenOrRefusedWhole(board: BoardKind) async throws {
        try await Bench.withAuthority({
            $0.hasIntermediate = true
            $0.registrationAuthority = .split
        }) { server in
            let record = try Bench.record(board, for: server)
            if board.isMachine {
                try await expect(
                    "ca-certificates-too-large", "caCapacity; enlarge that, or have the CA send less (3", of: board,
                    with: record)
            } else {
                try await Bench.withDevice(board) { device in
                    try device.manufacture(record)
                    #expect(try await device.enrol().verdict == .done)
                }
            }
        }
    }

    @Test(arguments: Bench.troubledBoards)
    func nobodyListensIsConnectionRefused(board: BoardKind) async throws {
        let port = try ReservedPort(.refusing)
        let record = try Bench.record(board, port: port.number, root: [1])
        try await expect("connection-refused", "is the CA running?", of: board, with: record)
    }

    @Test(arguments: Bench.troubledBoards)
    func serverThatIsSilentTimesOut(board: BoardKind) async throws {
        let port = try ReservedPort(.silent)
        var record = try Bench.record(board, port: port.number, root: [1])
        record.timeout = 2
        try await expect("timed-out", "silent for too long", of: board, with: record)
    }

    /// A reply that is whole and true, and another device's.
    @Test(arguments: Bench.troubledBoards)
    func replyToAnotherDeviceIsRefused(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            let recorded = Recording()
            let impostor = try FaultProxy(upstream: server.port) { request, impostor in
                let reply = try impostor.forward(request)
                return Delivery(request.operation == .pkiOperation ? recorded.keepFirst(reply) : reply)
            }
            defer { impostor.stop() }
            try await Bench.withDevice(.linux) { first in
                try first.manufacture(
                    Bench.record(.linux, port: impostor.port, root: server.authority.trustAnchor.der))
                #expect(try await first.enrol().verdict == .done)
            }
            let record = try Bench.record(board, port: impostor.port, root: server.authority.trustAnchor.der)
            try await expect("wrong-transaction", "another transaction", of: board, with: record)
        }
    }

    /// Manufactures a device, runs it, and expects it to end in an error, without an identity, and with an untouched
    /// store if it sent nothing that it could be asked about again.
    private func expect(
        _ kind: String, or others: [String] = [], _ text: String, of board: BoardKind, with record: ProvisioningRecord,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await Bench.withDevice(board) { device in
            try device.manufacture(record)
            let before = try device.readFlash().identityRegion
            let outcome = try await device.enrol(sourceLocation: sourceLocation)
            guard case .failed(let found, let sentence) = outcome.verdict else {
                Issue.record("the device says that it is done", sourceLocation: sourceLocation)
                return
            }
            #expect(([kind] + others).contains(found), "\(found): \(sentence)", sourceLocation: sourceLocation)
            #expect(sentence.contains(text), sourceLocation: sourceLocation)
            await device.expectNoIdentity(sourceLocation: sourceLocation)
            let hasAsked = outcome.lines.contains { $0.text == "writing to storage" }
            #expect(try hasAsked || device.readFlash().identityRegion == before, sourceLocation: sourceLocation)
        }
    }
}

/// The first of many replies.
private final class Recording: Sendable {
    private let first = Mutex<[UInt8]?>(nil)

    func keepFirst(_ reply: [UInt8]) -> [UInt8] {
        first.withLock { first in
            let kept = first ?? reply
            first = kept
            return kept
        }
    }
}
