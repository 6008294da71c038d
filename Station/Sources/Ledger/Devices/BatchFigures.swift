/// How a batch came out, at one moment.
public struct BatchFigures: Sendable, Equatable {
    public let name: String
    /// How many devices may get a certificate; nil for all.
    public let quota: Int?
    /// How many devices are in which state, by ``DeviceState``'s words.
    public let states: [String: Int]
    /// Devices that were verified in their first attempt, with one try.
    public let firstPass: Int
    /// Attempts that were worked on.
    public let attempts: Int
    /// How often an attempt was taken up again.
    public let retries: Int
    /// When it was planned: RFC 3339.
    public let plannedAt: String
    /// When the first attempt was begun, and when the last one ended.
    public let startedAt: Timestamp?
    public let finishedAt: Timestamp?
    /// From claim to verified, of verified devices; nil if there are none.
    public let cycle: CycleTime?
    /// Failed attempts by ``FailureCause/kind``, the most frequent first.
    public let causes: [NamedCount]
    public let stations: [Share]
    public let ports: [Share]
    public let people: [Share]

    /// In milliseconds, by nearest rank.
    public struct CycleTime: Sendable, Equatable {
        public let median: Int
        public let percentile95: Int
    }

    /// The attempts of one station, port or operator.
    public struct Share: Sendable, Equatable {
        /// Empty where none is named.
        public let name: String
        public let attempts: Int
        public let verified: Int
        public let failed: Int
    }

    /// Devices.
    public var planned: Int { states.values.reduce(0, +) }
    /// Devices that are, or once were, verified: what is retired was.
    public var verified: Int { self[.verified] + self[.retired] }
    /// Devices that no station has to go on with.
    public var ended: Int { verified + self[.failed] + self[.scrapped] }

    public subscript(state: AttemptState) -> Int { states[state.rawValue, default: 0] }
}

/// How many there are of something.
public struct NamedCount: Sendable, Equatable {
    public let name: String
    public let count: Int

    public init(name: String, count: Int) {
        self.name = name
        self.count = count
    }

    init(_ row: SQLRow) throws {
        name = try row.text("name")
        count = try row.integer("number")
    }
}
