import Authority

/// What somebody between a device and its CA does to one exchange.
public enum Interference: Sendable, Hashable {
    /// The request does not reach the CA.
    case requestLost
    /// The stream ends in order after so many bytes of the reply, head included.
    case cut(Int)
    /// The connection is broken off after so many bytes.
    case broken(Int)
    /// Nothing more comes after so many bytes.
    case stalled(Int)
    /// This bit is turned over: 0 is the most significant one of the first byte.
    case flipped(Int)
    /// The reply comes so many seconds late.
    case delayed(Int)
    /// A byte a second.
    case trickled
    /// The reply comes twice over.
    case doubled
    /// Another genuine reply comes in its place.
    case replayed(Replay)
    /// Something made up comes in its place.
    case forged(Forgery)

    /// Replies that somebody has listened to.
    public enum Replay: String, CaseIterable, Sendable {
        /// To this device's last question of the kind.
        case stale
        /// To another device's question.
        case swapped
        /// Another CA's to its own device.
        case foreign
        /// To this device's question before this one.
        case reordered
    }

    /// What was listened to, by what was asked for.
    public struct Recordings: Sendable {
        private var replies: [Replay: [CAOperation: [UInt8]]] = [:]

        public init() {}

        public subscript(_ replay: Replay, _ operation: CAOperation) -> [UInt8]? {
            get { replies[replay]?[operation] }
            set { replies[replay, default: [:]][operation] = newValue }
        }
    }

    /// What comes in place of an honest reply; nil when nothing does.
    ///
    /// - Parameters:
    ///   - reply: from the status line to the end of the body.
    ///   - recordings: a replay of what is not in them leaves the reply as it is.
    public func deliver(_ reply: [UInt8], to operation: CAOperation, _ recordings: Recordings) -> Delivery? {
        switch self {
        case .requestLost: nil
        case .cut(let count): Delivery(Array(reply.prefix(count)))
        case .broken(let count): Delivery(Array(reply.prefix(count)), end: .reset)
        case .stalled(let count): Delivery(Array(reply.prefix(count)), end: .silence)
        case .flipped(let bit): Delivery(reply.flipping(bit))
        case .delayed(let seconds): Delivery(reply, milliseconds: 1000 * UInt64(seconds))
        case .trickled: Delivery(reply, millisecondsPerByte: 1000)
        case .doubled: Delivery(reply + reply)
        case .replayed(let replay): Delivery(recordings[replay, operation] ?? reply)
        case .forged(let forgery): forgery.delivery
        }
    }
}

extension Interference: LosslessStringConvertible {
    /// Such as `lost-request`, `cut-17`, `flip-1034`, `swapped`, or a forgery's name.
    public var description: String {
        switch self {
        case .requestLost: "lost-request"
        case .cut(let count): "cut-\(count)"
        case .broken(let count): "break-\(count)"
        case .stalled(let count): "stall-\(count)"
        case .flipped(let bit): "flip-\(bit)"
        case .delayed(let seconds): "delay-\(seconds)"
        case .trickled: "trickle"
        case .doubled: "double"
        case .replayed(let replay): replay.rawValue
        case .forged(let forgery): forgery.name
        }
    }

    public init?(_ text: String) {
        switch text {
        case "lost-request": self = .requestLost
        case "trickle": self = .trickled
        case "double": self = .doubled
        default:
            if let replay = Replay(rawValue: text) {
                self = .replayed(replay)
            } else if let forgery = Forgery.all.first(where: { $0.name == text }) {
                self = .forged(forgery)
            } else {
                guard let dash = text.lastIndex(of: "-"), let number = Int(text[text.index(after: dash)...]),
                    number >= 0
                else { return nil }
                switch text[..<dash] {
                case "cut": self = .cut(number)
                case "break": self = .broken(number)
                case "stall": self = .stalled(number)
                case "flip": self = .flipped(number)
                case "delay": self = .delayed(number)
                default: return nil
                }
            }
        }
    }
}

extension [UInt8] {
    /// Nothing is turned over behind the end.
    fileprivate func flipping(_ bit: Int) -> [UInt8] {
        var bytes = self
        if bytes.indices.contains(bit / 8) { bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8) }
        return bytes
    }
}
