import DeviceCrypto

/// Waits that double from one try to the next, up to a cap, for so many tries. Times in seconds.
public struct Backoff: Equatable, Sendable {
    public var first: Int
    public var cap: Int
    public var limit: Int

    public init(first: Int, cap: Int, limit: Int) {
        self.first = first
        self.cap = cap
        self.limit = limit
    }

    /// Seconds to wait after `failures` tries in a row, 1 at least.
    public func seconds(after failures: Int) -> Int {
        var seconds = first
        var left = failures
        while left > 1, seconds < cap {
            seconds &+= seconds
            left &-= 1
        }
        return min(seconds, cap)
    }

    /// Between half of `seconds` and all of it, by chance: devices that fail together do not come back together.
    static func spread(_ seconds: Int, random: inout RandomGenerator) -> Int {
        var bytes = InlineArray<1, UInt8>(repeating: 0)
        var buffer = bytes.mutableSpan
        // Without randomness nothing works anyway.
        guard (try? random.fill(&buffer)) != nil else { return seconds }
        let half = seconds / 2
        return seconds &- half &+ half &* Int(buffer[0]) / 255
    }
}
