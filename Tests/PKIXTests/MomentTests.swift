import PKIX
import Testing

@Suite struct MomentTests {
    /// What a clock in 1970, one in 2106 and one that knows only a lower bound can say of 1,000,000,000.
    @Test(
        arguments: [
            (.unknown, false, false),
            (.exact(0), false, true), (.exact(999_999_699), false, true), (.exact(999_999_700), false, false),
            (.exact(1_000_000_000), false, false), (.exact(1_000_000_001), true, false),
            (.exact(4_294_967_296), true, false), (.exact(.max), true, false), (.exact(.min), false, true),
            (.atLeast(0), false, false), (.atLeast(1_000_000_000), false, false),
            (.atLeast(1_000_000_001), true, false), (.atLeast(.max), true, false), (.atLeast(.min), false, false),
        ] as [(Moment, Bool, Bool)])
    func compares(moment: Moment, isPast: Bool, isBefore: Bool) {
        #expect(moment.isPast(1_000_000_000) == isPast)
        #expect(moment.isBefore(1_000_000_000) == isBefore)
    }

    /// What is known at least, and whether it is the time itself.
    @Test(
        arguments: [(.unknown, nil, false), (.atLeast(7), 7, false), (.exact(7), 7, true), (.exact(.min), .min, true)]
            as [(Moment, Int64?, Bool)])
    func isKnown(moment: Moment, lowest: Int64?, isExact: Bool) {
        #expect(moment.lowest == lowest && moment.isExact == isExact)
    }
}
