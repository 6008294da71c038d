import Board
import Relay

/// The station's side of the relay, for one line to a device: it is given what came and the time, and says what happened and
/// what to send. It does no input or output, and knows no CA: whoever drives it opens the device's streams to the one that it
/// knows, and to no other.
///
/// What a device says is not to be trusted: its serial number has to be one that is expected, and its lines are escaped where
/// they are shown. A device cannot make it keep more than ``certificateLimit`` and one line, nor have more than one frame
/// taken in a ``step(_:at:)``.
public final class RelayStation {
    public enum Event: Equatable, Sendable {
        /// A device is there, or the same has started anew; it was asked just now. 1 to 64 bytes of printable ASCII.
        case hello(serial: String)
        /// What is there speaks another version of the protocol than ``RelayFrame/version``.
        case unsupported(version: UInt8)
        /// The device begins anew, or does not answer: what was asked of it and not answered has to be asked again, after the
        /// next hello.
        case lost
        /// The device wants a stream to the CA, which ``opened(_:_:)`` answers. It has one at a time.
        case open(stream: Int)
        case data([UInt8], stream: Int)
        /// The device has ended the stream, or is lost. Not told of one that ``close(_:_:)`` or ``opened(_:_:)`` has ended.
        case closed(stream: Int)
        /// A line of its console, at most 480 bytes, without line ending: Docs/Manufacture.md.
        case line([UInt8])
        /// The certificate that ``readCertificate()`` asked for, in DER; nil if the device has none that can be read.
        case certificate([UInt8]?)
    }

    /// What came of a step.
    public struct Outcome: Sendable {
        /// In order.
        public var events: [Event] = []
        /// To write to the line. What does not go out at once, at the latest before the next step, is better dropped.
        public var bytes: [UInt8] = []
    }

    /// Bytes of a certificate at most.
    public static let certificateLimit = 16_384

    private struct Message {
        let frame: RelayFrame
        let payload: [UInt8]
    }

    private var link: RelayLink
    /// What waits to be sent, the frame under way first.
    private var messages: [Message] = []
    // What was known of the link after its last byte.
    private var sessionsEnded: UInt32 = 0
    private var isUp = false
    private var isSending = false
    private var farVersion = RelayFrame.version

    /// The stream that is open, and how many there were.
    private var stream: Int?
    private var streams = 0
    /// Whether the device was told that it is open.
    private var isOpen = false
    /// What came of a line so far, and of the certificate; nil if that was not asked for.
    private var line: [UInt8] = []
    private var certificate: [UInt8]?
    /// Parts of lines and certificates that are too long, or were not asked for.
    private var excess: UInt32 = 0

    /// - Parameter session: random, and not 0. A port that was closed and opened again, whatever may be behind it now, takes a new
    ///   station: it asks who is there.
    public init(session: UInt64) {
        link = RelayLink(.station, session: session)
    }

    /// Whether there is a device that answers.
    public var hasDevice: Bool { link.isUp }

    public var counts: RelayLink.Counts {
        var counts = link.counts
        counts.excess &+= excess
        return counts
    }

    /// Bytes that the device has yet to take; whoever reads from the CA stops at some.
    public var queuedBytes: Int { messages.reduce(0) { $0 + $1.payload.count } }

    /// When the next step is due, if nothing comes before and nothing is sent; nil: none is.
    public var due: UInt64? { !messages.isEmpty && !link.isSending ? 0 : link.due }

    /// Takes what came over the line, and what time it is.
    ///
    /// - Parameter now: in milliseconds, from any beginning; never goes backwards.
    public func step(_ bytes: [UInt8] = [], at now: UInt64) -> Outcome {
        var outcome = Outcome()
        for byte in bytes {
            let frame = link.receive(byte)
            follow(&outcome)
            if let frame { accept(frame, &outcome) }
        }
        var storage = InlineArray<249, UInt8>(repeating: 0)
        while true {
            if !link.isSending, let first = messages.first { _ = link.begin(first.frame, at: now) }
            let payload = link.isSending ? messages[0].payload : []
            var output = storage.mutableSpan
            let count = link.output(payload.span, at: now, into: &output)
            guard count > 0 else { break }
            for index in 0..<count { outcome.bytes.append(output[index]) }
        }
        follow(&outcome)
        return outcome
    }

    // MARK: What to tell the device

    /// Says what came of a stream that the device wants.
    ///
    /// - Parameter error: why there is none; nil if it is open.
    public func opened(_ stream: Int, _ error: TransportError? = nil) {
        guard stream == self.stream, !isOpen else { return }
        send(.open, [error?.rawValue ?? 0])
        if error == nil { isOpen = true } else { self.stream = nil }
    }

    /// Sends what the CA says.
    public func send(_ bytes: [UInt8], on stream: Int) {
        guard stream == self.stream, isOpen else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            send(.data, Array(rest.prefix(RelayFrame.payloadCapacity)))
            rest = rest.dropFirst(RelayFrame.payloadCapacity)
        }
    }

    /// Says that the CA has ended the stream, behind all that was sent.
    ///
    /// - Parameter error: why it broke; nil if it was ended in order.
    public func close(_ stream: Int, _ error: TransportError? = nil) {
        guard stream == self.stream else { return }
        if !isOpen { return opened(stream, error ?? .reset) }
        send(.close, [error?.rawValue ?? 0])
        self.stream = nil
    }

    /// Asks for the certificate, which a device answers when its run has ended. Harmless while it was not answered.
    public func readCertificate() {
        guard link.isUp, certificate == nil else { return }
        certificate = []
        send(.certificate, [])
    }

    /// Has the device go on with its run, once it has ended. The first it begins by itself.
    public func run() { send(.run, []) }

    /// Tells the device that nothing more is wanted of it.
    public func finish() { send(.done, []) }

    private func send(_ frame: RelayFrame, _ payload: [UInt8]) {
        guard link.isUp else { return }
        messages.append(Message(frame: frame, payload: payload))
    }

    // MARK: What the device says

    /// Notices what became of the session and the frame under way.
    private func follow(_ outcome: inout Outcome) {
        if link.sessionsEnded != sessionsEnded {
            (messages, line, certificate) = ([], [], nil)
            end(&outcome)
            if isUp { outcome.events.append(.lost) }
        } else if isSending, !link.isSending {
            messages.removeFirst()
        }
        if link.farVersion != farVersion, link.farVersion != 0, link.farVersion != RelayFrame.version {
            outcome.events.append(.unsupported(version: link.farVersion))
        }
        (sessionsEnded, isUp, isSending) = (link.sessionsEnded, link.isUp, link.isSending)
        farVersion = link.farVersion
    }

    private func accept(_ frame: RelayFrame, _ outcome: inout Outcome) {
        let payload = Self.payload(of: link)
        link.discard()
        switch frame {
        case .greeting: outcome.events.append(.hello(serial: String(decoding: payload, as: UTF8.self)))
        case .open:
            end(&outcome)
            streams += 1
            stream = streams
            outcome.events.append(.open(stream: streams))
        case .data: if let stream, isOpen { outcome.events.append(.data(payload, stream: stream)) }
        case .close: end(&outcome)
        case .line:
            Self.append(payload, to: &line, limit: Line.capacity, &excess)
            guard payload.count < RelayFrame.payloadCapacity else { return }
            outcome.events.append(.line(line))
            line = []
        case .certificate:
            guard var certificate else { return excess &+= 1 }
            // One byte more, to see that it is too long.
            Self.append(payload, to: &certificate, limit: Self.certificateLimit + 1, &excess)
            self.certificate = certificate
            // One without an end is none, now and not when its device has had enough.
            guard payload.count < RelayFrame.payloadCapacity || certificate.count > Self.certificateLimit else {
                return
            }
            let isUsable = 1...Self.certificateLimit ~= certificate.count
            outcome.events.append(.certificate(isUsable ? certificate : nil))
            self.certificate = nil
        case .acknowledgement, .run, .done: break
        }
    }

    private static func payload(of link: borrowing RelayLink) -> [UInt8] {
        let payload = link.payload
        return payload.indices.map { payload[$0] }
    }

    /// Ends the stream, and forgets what was to be sent of it. What is under way arrives, or the session is over.
    private func end(_ outcome: inout Outcome) {
        let isUnderWay = link.isSending
        messages = messages.enumerated().filter { index, message in
            index == 0 && isUnderWay || ![.open, .data, .close].contains(message.frame)
        }.map(\.element)
        if let stream { outcome.events.append(.closed(stream: stream)) }
        (stream, isOpen) = (nil, false)
    }

    private static func append(_ part: [UInt8], to bytes: inout [UInt8], limit: Int, _ excess: inout UInt32) {
        let space = limit - bytes.count
        if part.count > space { excess &+= 1 }
        bytes += part.prefix(space)
    }
}
