extension Ledger {
    /// Fills the audit trail with entries as a line makes them; for measurements.
    package func fillAudit(_ count: Int, by actor: Actor) throws {
        var done = 0
        while done < count {
            try database.write { session in
                for number in done..<min(done + 10_000, count) {
                    try append(
                        "requested", "SN-\(number / 7)",
                        ["attempt": 1, "transactionID": .text("7B6FCC5CE28932CBB1AAACCAAE371680")], by: actor,
                        in: session)
                }
            }
            done += 10_000
        }
    }
}
