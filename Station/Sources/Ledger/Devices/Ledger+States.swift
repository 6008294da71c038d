extension Ledger {
    /// Devices whose last attempt is in one of some states.
    public func serials(in states: [AttemptState]) throws -> Set<String> {
        try database.read { session in
            let places = states.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            var serials: Set<String> = []
            try session.forEachRow(
                """
                SELECT d.serial AS serial FROM devices d JOIN attempts a ON a.serial = d.serial AND a.number = d.attempt
                WHERE a.state IN (\(places))
                """, states.map { .text($0.rawValue) }
            ) { serials.insert(try $0.text("serial")) }
            return serials
        }
    }
}
