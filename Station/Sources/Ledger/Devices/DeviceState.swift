/// What a device's state is for people: that of its newest attempt, in a word. Status, pages and reports have it from here.
public enum DeviceState {
    /// It was not begun.
    public static let planned = "planned"
    /// A person asked for another attempt, and no station has taken it up.
    public static let rework = "rework"

    /// All words, in the order that a device goes through them.
    public static let all = [planned, rework] + AttemptState.allCases.map(\.rawValue)

    /// - Parameter newest: nil if there is none.
    public static func word(_ newest: Attempt?) -> String {
        guard let newest else { return planned }
        return newest.isWaiting ? rework : newest.state.rawValue
    }

    /// The same in SQL, of the attempt `a` that a device was joined with.
    static let sql = """
        CASE WHEN a.state IS NULL THEN '\(planned)' WHEN a.state = 'claimed' AND a.tries = 0 THEN '\(rework)' ELSE a.state END
        """

    /// Joins each device `d` with its newest attempt `a`.
    static let join = "LEFT JOIN attempts a ON a.serial = d.serial AND a.number = d.attempt"
}

extension Attempt {
    /// Whether a rework has opened it, and nobody has taken it up.
    public var isWaiting: Bool { state == .claimed && tries == 0 }

    /// What counts as a failure of an attempt `a`, in SQL: one that a person gave up for another has not failed.
    static let failureSQL = "a.state = 'failed' AND COALESCE(a.cause, '') <> '\(FailureCause.givenUp)'"
}
