import Bytes
import DeviceCrypto

/// When a certificate is to be renewed.
enum Schedule {
    /// Seconds since 1970: a share of the lifetime after its beginning, and a part of the jitter that the certificate's
    /// own digest chooses, so that it stays the same over power-offs and differs in a fleet that was made on one day.
    ///
    /// - Parameters:
    ///   - percent: of the lifetime; 0 for two thirds.
    ///   - jitter: in percent of the lifetime.
    ///   - digest: of the certificate.
    static func renewal(
        notBefore: Int64, notAfter: Int64, percent: Int, jitter: Int, digest: Span<UInt8>
    ) -> Int64 {
        guard notAfter > notBefore else { return notBefore }
        // 136 years are as good as any longer lifetime.
        let seconds = UInt64(bitPattern: notAfter &- notBefore)
        let lifetime = seconds > 0xFFFF_FFFF ? UInt32.max : UInt32(truncatingIfNeeded: seconds)
        var wait = percent == 0 ? lifetime / 3 &* 2 : share(lifetime, percent)
        let window = share(lifetime, jitter)
        let chance = UInt32(digest[0]) &<< 8 | UInt32(digest[1])
        wait &+= (window >> 16) &* chance &+ ((window & 0xFFFF) &* chance) >> 16
        // Some of the lifetime is left for whatever goes wrong.
        return notBefore &+ Int64(bitPattern: widened(min(wait, lifetime &- lifetime / 50)))
    }

    private static func share(_ lifetime: UInt32, _ percent: Int) -> UInt32 {
        let percent = UInt32(truncatingIfNeeded: percent)
        return lifetime / 100 &* percent &+ lifetime % 100 &* percent / 100
    }
}
