import Board
import Bytes

extension RelayLink {
    /// Whether a frame is under way.
    public var isSending: Bool { outgoing != nil }

    /// Begins a frame, which ``output(_:at:into:)`` then writes as often as it takes.
    ///
    /// - Returns: false if there is no session, or a frame is under way.
    public mutating func begin(_ frame: RelayFrame, at now: UInt64) -> Bool {
        guard isUp, outgoing == nil else { return false }
        outgoing = frame
        sent = Self.number(after: sent)
        (tries, repeatDue) = (0, now)
        return true
    }

    /// When ``output(_:at:into:)`` has something to write again, if nothing comes before; nil: not by itself.
    public var due: UInt64? {
        if acknowledgement != nil || mustGreet { return 0 }
        return isUp && outgoing == nil ? nil : repeatDue
    }

    /// Writes the next frame that is due. To be called until it writes none.
    ///
    /// - Parameters:
    ///   - payload: of the frame under way, each time; at most ``RelayFrame/payloadCapacity``.
    ///   - frame: at least ``RelayFrame/capacity`` bytes.
    /// - Returns: how many bytes were written at the front of `frame`; 0 if nothing is due.
    public mutating func output(_ payload: Span<UInt8>, at now: UInt64, into frame: inout MutableSpan<UInt8>) -> Int {
        isAnswerDue = false
        if let number = acknowledgement {
            acknowledgement = nil
            return write(.acknowledgement, number, Span(), &frame)
        }
        if outgoing != nil, now >= repeatDue, tries == limit {
            counts.losses &+= 1
            restart(at: now)
        }
        if mustGreet || !isUp && now >= repeatDue {
            mustGreet = false
            if !isUp { repeatDue = now &+ Self.greetingInterval }
            return greet(&frame)
        }
        guard let outgoing, now >= repeatDue else { return 0 }
        if tries > 0 { counts.repeats &+= 1 }
        tries &+= 1
        repeatDue = now &+ Self.repeatInterval
        return write(outgoing, sent, payload, &frame)
    }

    /// A station is never busy for long, where a device may compute for half a minute.
    private var limit: UInt8 { side == .device ? 10 : 60 }

    private mutating func greet(_ frame: inout MutableSpan<UInt8>) -> Int {
        var payload = InlineArray<81, UInt8>(repeating: 0)
        var bytes = payload.mutableSpan
        guard side == .device else {
            storeWord(own, at: 0, in: &bytes)
            return write(.greeting, 0, bytes.span.extracting(first: 8), &frame)
        }
        bytes[0] = RelayFrame.version
        storeWord(own, at: 1, in: &bytes)
        storeWord(far, at: 9, in: &bytes)
        for index in 0..<serialCount { bytes[17 &+ index] = serial[index] }
        return write(.greeting, 0, bytes.span.extracting(first: 17 &+ serialCount), &frame)
    }

    private func write(
        _ kind: RelayFrame, _ number: UInt8, _ payload: Span<UInt8>, _ frame: inout MutableSpan<UInt8>
    ) -> Int {
        let size = min(payload.count, RelayFrame.payloadCapacity) &+ RelayFrame.overhead
        let end = 2 &+ size
        frame[0] = 0
        frame[2] = kind.rawValue | (side == .station ? RelayFrame.ofStation : 0)
        frame[3] = number
        for index in 0..<(size &- RelayFrame.overhead) { frame[4 &+ index] = payload[index] }
        let sum = crc32(frame.span.extracting(2..<(end &- 4)), after: kind == .greeting ? 0 : key)
        storeLittleEndian(sum, at: end &- 4, in: &frame)
        var encoded = frame._mutatingExtracting(1..<end)
        COBS.encode(&encoded)
        frame[end] = 0
        return end &+ 1
    }
}
