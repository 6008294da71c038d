import Foundation
import LibCrypto
import Synchronization

/// A SCEP certificate authority for tests and demonstration: a function from HTTP requests to answers, over CA keys
/// and a database. It may be called from any thread. It protects nothing: its keys lie open, and whatever it issues
/// is worth nothing elsewhere.
public final class Authority: Sendable {
    struct State: Sendable {
        var database = Database() { didSet { version = Self.newVersion() } }
        /// All generations of the CA, oldest first; one after `database.current` is the next CA.
        var generations: [Hierarchy] = [] { didSet { version = Self.newVersion() } }
        var faults: [FaultRule] = [] { didSet { version = Self.newVersion() } }
        var ledger = Ledger() { didSet { version = Self.newVersion() } }
        /// The same number is the same state, in every authority of this process.
        private(set) var version = newVersion()

        private static let versions = Atomic(0)
        private static func newVersion() -> Int { versions.add(1, ordering: .relaxed).newValue }

        var current: Hierarchy { generations[database.current] }
        var next: Hierarchy? {
            let index = database.current + 1
            return index < generations.count ? generations[index] : nil
        }
    }

    public let configuration: CAConfiguration
    let state: Mutex<State>
    /// Seconds that are added to the configuration's clock.
    let offset: Mutex<TimeInterval>
    private let log: @Sendable (LogEvent) -> Void
    /// nil: every request is worked out.
    let memory: ResponseCache?
    /// nil: all is in memory.
    let folder: Folder?
    let turns = Turns()

    /// Makes the CA's keys and certificates, unless `snapshot` or the configuration's folder holds some: then it goes
    /// on with those, and with what was issued. `log` is called once a request, on the thread that answers it.
    public convenience init(
        _ configuration: CAConfiguration, from snapshot: Snapshot? = nil,
        log: @escaping @Sendable (LogEvent) -> Void = { _ in }
    ) throws {
        let memory = configuration.remembersAnswers ? ResponseCache() : nil
        try self.init(configuration, from: snapshot, memory: memory, log: log)
    }

    init(
        _ configuration: CAConfiguration, from snapshot: Snapshot?, memory: ResponseCache?,
        log: @escaping @Sendable (LogEvent) -> Void
    ) throws {
        self.configuration = configuration
        self.log = log
        self.memory = memory
        folder = try configuration.directory.map { try Folder($0) }
        guard folder == nil || memory == nil && snapshot == nil else { throw CAConfigurationError.cannotGoBack }
        offset = Mutex(configuration.clockOffset)
        let now = configuration.clock().addingTimeInterval(configuration.clockOffset)
        var state = try snapshot?.state ?? folder?.load() ?? State()
        state.faults = configuration.faults
        let wanted = state.database.current + (configuration.hasNextCA ? 2 : 1)
        while state.generations.count < wanted {
            let next = try Hierarchy(configuration, generation: state.generations.count + 1, now: now)
            try folder?.save(next, generation: state.generations.count)
            state.generations.append(next)
        }
        let known = state.database
        self.state = Mutex(state)
        if case .oneTime(let passwords) = configuration.challenge {
            // Those of the folder come first: what was used stays used.
            try change { state in
                enter(passwords.filter { !known.has($0) }.map(Database.Change.passwordAdded), in: &state)
            }
        }
        try folder?.publish(root: trustAnchor.pem())
    }

    /// Changes the state; what was entered is on disk when this returns.
    func change<Result: Sendable>(_ body: (inout State) throws -> Result) throws -> Result {
        let result = try state.withLock { state in try body(&state) }
        try folder?.register.synchronize()
        return result
    }

    /// Changes the database. On disk it is the whole or nothing, once the register is synchronized; nobody may be
    /// answered before.
    func enter(_ changes: [Database.Change], in state: inout State) {
        for change in changes { state.database.apply(change) }
        folder?.register.enter(changes)
    }

    /// The authority's time: of certificates, CRLs, the log and the Date header.
    public var now: Date { configuration.clock().addingTimeInterval(offset.withLock { $0 }) }

    /// Moves the authority's time by `seconds`, back when they are below 0, and returns what it is then.
    @discardableResult
    public func moveClock(by seconds: TimeInterval) -> Date {
        offset.withLock { $0 += seconds }
        return now
    }

    /// Answers one HTTP request, and logs it.
    public func answer(_ request: Request) -> Answer {
        let (answer, event) = memory?.recall(request, of: self) ?? workOut(request)
        log(event)
        return answer
    }

    func workOut(_ request: Request) -> (Answer, LogEvent) {
        var event = LogEvent(date: now, request: request)
        var answer: Answer
        do {
            answer = try respond(to: request, event: &event)
            // Also what others entered: the answer may tell of it.
            try folder?.register.synchronize()
        } catch {
            event.outcome = ""
            answer = Answer(status: 500, text: "the authority failed: \(error)")
        }
        if event.outcome.isEmpty {
            event.outcome = answer.status == 200 ? "200" : "\(answer.status) \(firstLine(of: answer))"
        }
        event.status = answer.status
        event.sent = answer.body.count
        return (answer, event)
    }

    private func respond(to request: Request, event: inout LogEvent) throws -> Answer {
        let parameters = QueryParameters(request.query)
        guard let name = parameters["operation"] ?? (request.method == "POST" ? CAOperation.pkiOperation.rawValue : nil)
        else {
            return try respondToBrowser(request)
        }
        if parameters["operation"] == nil { event.notes.append("no operation is named; taken as PKIOperation") }
        let profile = configuration.profile
        guard let operation = CAOperation(name: name), profile.operations.contains(operation) else {
            return Answer(profile.unknownOperation, "no operation is called \(name)")
        }
        event.operation = operation.rawValue
        if request.method == "POST", let rejection = profile.post {
            return Answer(rejection, "POST is not known")
        }
        if profile.needsHost, request.host == nil {
            return Answer(status: 400, text: "which host is meant? There is no Host header")
        }
        if operation != .pkiOperation { event.identifier = parameters["message"] }
        if request.host == nil { event.notes.append("no Host header") }
        let faults = takeFaults(for: operation)
        event.notes += faults.map { "fault: \($0)" }
        for fault in faults {
            if let answer = fault.replacement(for: request) { return corrupted(answer, by: faults) }
        }
        if let identifier = configuration.identifier, operation != .pkiOperation, event.identifier != identifier {
            return Answer(status: 404, text: "no CA is called '\(event.identifier ?? "")'")
        }
        let answer =
            switch operation {
            case .getCACaps: capabilities()
            case .getCACert: try certificates(event.identifier)
            case .getNextCACert: try nextCertificates(faults)
            case .pkiOperation: try exchange(request, parameters: parameters, faults: faults, event: &event)
            }
        return corrupted(answer, by: faults)
    }

    private func takeFaults(for operation: CAOperation) -> [Fault] {
        state.withLock { state in
            var taken: [Fault] = []
            for index in state.faults.indices where state.faults[index].operations.contains(operation) {
                if let times = state.faults[index].times {
                    guard times > 0 else { continue }
                    state.faults[index].times = times - 1
                }
                taken.append(state.faults[index].fault)
            }
            return taken
        }
    }

    private func capabilities() -> Answer {
        let profile = configuration.profile
        let hasNext = profile.operations.contains(.getNextCACert) && state.withLock { $0.next != nil }
        let lines = profile.capabilities + (hasNext ? [CAOperation.getNextCACert.rawValue] : [])
        let text = lines.map { $0 + profile.capabilitySeparator }.joined()
        return Answer(mediaType: profile.mediaTypes.capabilities, body: [UInt8](text.utf8))
    }

    private func certificates(_ message: String?) throws -> Answer {
        var published = state.withLock { $0.current.published }
        let types = configuration.profile.mediaTypes
        if configuration.profile.certificatesOneByOne {
            let number = message.flatMap { Int($0) } ?? 0
            published = [published[published.indices.contains(number) ? number : 0]]
        }
        guard published.count > 1 else { return Answer(mediaType: types.certificate, body: published[0].der) }
        let first = configuration.profile.firstCertificate % published.count
        return Answer(
            mediaType: types.chain,
            body: try CertificatesOnly.encode(
                Array(published[first...] + published[..<first]),
                hasEmptyContent: configuration.profile.reply.bundlesHaveEmptyContent))
    }

    private func nextCertificates(_ faults: [Fault]) throws -> Answer {
        let (current, next) = state.withLock { ($0.current, $0.next) }
        guard let next else { return Answer(status: 404, text: "there is no next CA") }
        // RFC 8894, section 4.7.1: signed by the current CA's key, not by an RA's.
        var signer = current.issuer
        if faults.contains(.signedByNextCA) { signer = next.issuer }
        if faults.contains(.signedByRegistrationAuthority) { signer = current.signer }
        if faults.contains(.unknownSigner) { signer = try impostor(generation: 1).issuer }
        let contents = SignedMessageContents(
            content: try CertificatesOnly.encode(faults.contains(.nothingInside) ? [] : next.published),
            attributes: [], certificates: faults.contains(.noCertificates) ? [] : [signer.certificate],
            digest: configuration.profile.reply.digest ?? .sha256,
            encoding: faults.contains(.indefiniteLength) ? .indefinite : configuration.profile.reply.encoding)
        var body = try contents.signed(by: signer.certificate, key: signer.key)
        if faults.contains(.brokenSignature), contents.encoding == .der { body[body.count - 1] ^= 1 }
        return Answer(mediaType: configuration.profile.mediaTypes.next, body: body)
    }

    private func exchange(
        _ request: Request, parameters: QueryParameters, faults: [Fault], event: inout LogEvent
    ) throws -> Answer {
        let message: [UInt8]
        if request.method == "POST" {
            message = request.body
            if request.mediaType != "application/x-pki-message" {
                event.notes.append("Content-Type is \(request.mediaType ?? "missing")")
            }
        } else {
            guard let text = parameters["message"] else { return Answer(status: 400, text: "the message is missing") }
            if parameters.hasBareReserved("message") { event.notes.append("the message is not percent-encoded") }
            guard let data = Data(base64Encoded: text) else {
                return Answer(status: 400, text: "the message is not base64")
            }
            message = [UInt8](data)
        }
        event.received = message.count
        return try PKIOperation(authority: self, faults: faults).answer(to: message, event: &event)
    }

    private func respondToBrowser(_ request: Request) throws -> Answer {
        guard request.method == "GET" || request.method == "HEAD" else {
            return Answer(status: 405, text: "SCEP is spoken with GET and POST")
        }
        switch request.path {
        case "/ca.pem":
            return Answer(mediaType: "application/x-pem-file", body: try trustAnchor.pem())
        case "/crl":
            return Answer(mediaType: "application/pkix-crl", body: try revocationList().der)
        case "/":
            let fingerprint = try trustAnchor.fingerprint(.sha256).hexadecimal
            return Answer(
                status: 200,
                text: """
                    This is a SCEP certificate authority for tests: trust nothing that it issues.
                    CA: \(trustAnchor.subject)
                    SHA-256 fingerprint: \(fingerprint)
                    /ca.pem is its certificate, /crl its revocation list; any path takes SCEP.
                    """)
        default:
            return Answer(status: 404, text: "a SCEP request has ?operation=…; /ca.pem and /crl are here as well")
        }
    }

    private func firstLine(of answer: Answer) -> String {
        String(decoding: answer.body.prefix(160).prefix { $0 != 10 }, as: UTF8.self)
    }
}

extension Fault {
    /// The answer that stands for any, the request not looked at.
    fileprivate func replacement(for request: Request) -> Answer? {
        switch self {
        case .html:
            Answer(mediaType: "text/html", body: [UInt8]("<!DOCTYPE html><title>Hello</title><h1>It works</h1>\n".utf8))
        case .status(let code): Answer(status: code, text: "this status was asked for by a test")
        case .emptyBody: Answer(body: [])
        case .emptyPost: request.method == "POST" ? Answer(body: []) : nil
        default: nil
        }
    }
}

extension Answer {
    init(_ rejection: ServerProfile.Rejection, _ text: String) {
        switch rejection {
        case .status(let status): self.init(status: status, text: text)
        case .empty: self.init(body: [])
        case .closed:
            self.init(status: 400, text: text)
            isDropped = true
        }
    }
}

/// `answer` with what `faults` do to it on the wire.
private func corrupted(_ answer: Answer, by faults: [Fault]) -> Answer {
    var answer = answer
    for fault in faults {
        switch fault {
        case .truncated(let count): answer.cut = count
        case .oversized(let count): answer.padding = count
        case .stall(let seconds): answer.delay = seconds
        case .close: answer.isDropped = true
        default: break
        }
    }
    return answer
}
