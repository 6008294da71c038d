import Foundation

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    public let milliseconds: Int

    public init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// Before any other.
    static let past = Timestamp(milliseconds: 0)

    /// By this machine's clock.
    public static var now: Timestamp {
        Timestamp(milliseconds: Int((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    public func adding(seconds: Int) -> Timestamp { Timestamp(milliseconds: milliseconds + 1000 * seconds) }

    /// As RFC 3339 has it, in UTC with milliseconds: `2026-11-30T18:16:19.123Z`.
    public var description: String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(Self.format)
    }

    private static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
