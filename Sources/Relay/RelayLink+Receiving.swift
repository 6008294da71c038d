import Board
import Bytes

extension RelayLink {
    /// The payload of the frame that was handed out last, until the next byte comes; of a greeting the device's serial number.
    public var payload: Span<UInt8> {
        @_lifetime(borrow self) get { buffer.span.extracting(payloadRange) }
    }

    /// Bytes of the last DATA that were not taken. Until there are none, no other is accepted.
    public var unreadCount: Int { unread.count }

    /// Takes bytes of the last DATA.
    ///
    /// - Returns: how many were stored at the front of `output`.
    public mutating func take(into output: inout MutableSpan<UInt8>) -> Int {
        let count = min(unread.count, output.count)
        for index in 0..<count { output[index] = buffer[unread.lowerBound &+ index] }
        unread = (unread.lowerBound &+ count)..<unread.upperBound
        return count
    }

    /// Leaves the rest of the last DATA.
    public mutating func discard() { unread = 0..<0 }

    /// Takes a byte from the line.
    ///
    /// - Returns: which frame it completed, if that is a new one, with its ``payload``. A greeting is handed out to a station
    ///   alone, when it begins a session.
    public mutating func receive(_ byte: UInt8) -> RelayFrame? {
        let output = decoder.decode(byte)
        if case .end(let isWhole) = output {
            defer {
                (rawCount, count) = (0, 0)
                start = unread.isEmpty ? 0 : unread.upperBound
            }
            return rawCount > 0 ? frame(isWhole: isWhole) : nil
        }
        if rawCount <= buffer.count {
            rawCount &+= 1
        } else {
            // Noise need not have an end.
            counts.damagedBytes &+= 1
        }
        if case .byte(let decoded) = output {
            if start &+ count < buffer.count { buffer[start &+ count] = decoded }
            count = min(count &+ 1, buffer.count &+ 1)
        }
        return nil
    }

    private mutating func frame(isWhole: Bool) -> RelayFrame? {
        guard isWhole, let kind = frameKind() else {
            counts.damaged &+= 1
            counts.damagedBytes &+= UInt32(truncatingIfNeeded: rawCount)
            return nil
        }
        let number = buffer[start &+ 1]
        payloadRange = (start &+ 2)..<(start &+ count &- 4)
        switch kind {
        case .greeting:
            if side == .station { return hello() }
            who()
        case .acknowledgement: acknowledged(number)
        default: return accept(kind, number) ? kind : nil
        }
        return nil
    }

    /// What the frame is that was received; nil if it is damaged, or not of this session and from the far side.
    private func frameKind() -> RelayFrame? {
        let end = start &+ count
        guard count >= RelayFrame.overhead, count <= RelayFrame.overhead &+ RelayFrame.payloadCapacity,
            end <= buffer.count
        else { return nil }
        let type = buffer[start] ^ (side == .device ? RelayFrame.ofStation : 0)
        guard let kind = RelayFrame(rawValue: type), kind == .greeting || far != 0 else { return nil }
        let sum = crc32(buffer.span.extracting(start..<(end &- 4)), after: kind == .greeting ? 0 : key)
        return sum == littleEndian(buffer.span, at: end &- 4) ? kind : nil
    }

    /// A station asks who this is. Another one than before knows of no session.
    private mutating func who() {
        guard payloadRange.count == 8 else { return counts.excess &+= 1 }
        let station = word(buffer.span, at: payloadRange.lowerBound)
        guard station != 0 else { return counts.excess &+= 1 }
        mustGreet = true
        guard station != far else { return }
        end()
        far = station
        agree()
    }

    /// A device says who it is. One that does not know this station is asked, and so says nothing that was not said to it.
    ///
    /// - Returns: the greeting, if it begins a session.
    private mutating func hello() -> RelayFrame? {
        let offset = payloadRange.lowerBound
        if !payloadRange.isEmpty { farVersion = buffer[offset] }
        let serial = min(offset &+ 17, payloadRange.upperBound)..<payloadRange.upperBound
        guard farVersion == RelayFrame.version, 1...RelayFrame.serialCapacity ~= serial.count, isPrintable(serial)
        else {
            counts.excess &+= 1
            return nil
        }
        let device = word(buffer.span, at: offset &+ 1)
        guard word(buffer.span, at: offset &+ 9) == own else {
            // Whatever it was before, it has begun anew.
            counts.unasked &+= 1
            if isUp { end() }
            mustGreet = true
            return nil
        }
        guard !isUp || device != far else {
            counts.duplicates &+= 1
            if acknowledgement == nil { acknowledgement = 0 }
            return nil
        }
        guard !isAnswerDue else {
            counts.excess &+= 1
            return nil
        }
        end()
        far = device
        agree()
        (isUp, acknowledgement, isAnswerDue) = (true, 0, true)
        payloadRange = serial
        return .greeting
    }

    private func isPrintable(_ range: Range<Int>) -> Bool {
        for index in range where !(0x20...0x7E ~= buffer[index]) { return false }
        return true
    }

    private mutating func acknowledged(_ number: UInt8) {
        if !isUp {
            // The station's answer to HELLO.
            isUp = side == .device && number == 0
        } else if outgoing != nil, number == sent, tries > 0 {
            outgoing = nil
            guard isDeferred else { return }
            (isDeferred, acknowledgement) = (false, received)
        }
    }

    /// - Returns: whether the frame is new, and next.
    private mutating func accept(_ kind: RelayFrame, _ number: UInt8) -> Bool {
        // A station that hears HELLO late sends what it has again.
        guard isUp else { return false }
        guard number != received else {
            counts.duplicates &+= 1
            if !isDeferred { acknowledgement = number }
            return false
        }
        guard number == Self.number(after: received), !isAnswerDue,
            kind.isSent(by: side == .device ? .station : .device)
        else {
            counts.excess &+= 1
            return false
        }
        // There is no space for it; it comes again.
        if kind == .data, !unread.isEmpty { return false }
        (received, isAnswerDue) = (number, true)
        // A device listens until its CLOSE is acknowledged, and then perhaps not for long. What was under way to it by then
        // has to arrive before.
        isDeferred = side == .station && kind == .close && outgoing != nil
        if !isDeferred { acknowledgement = number }
        if kind == .data { unread = payloadRange }
        return true
    }
}
