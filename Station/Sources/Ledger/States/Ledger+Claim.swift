/// What became of a station's wish to have a device.
public enum ClaimResult: Sendable, Equatable {
    /// A new attempt.
    case begun(Attempt)
    /// An attempt that this station, or another whose lease is over, did not end: it goes on where it was.
    case resumed(Attempt)
    /// The device is done.
    case verified(Attempt)
    /// Another station has it.
    case busy(Attempt)
    /// Another station made its key, and alone can go on.
    case keyElsewhere(Attempt)
    /// It failed where the CA may have issued a certificate: a person decides.
    case needsRework(Attempt)
    /// It is scrapped or retired.
    case ended(Attempt)
    /// No manifest has it.
    case unknown
    /// As many of its batch as may be are made, or under way.
    case quotaReached(batch: String, quota: Int)
}

extension ClaimResult {
    /// Why the device is not this station's to do, and what helps; nil if it is, or is done, or was decided on.
    public var refusal: String? {
        switch self {
        case .begun, .resumed, .verified, .ended: nil
        case .busy(let other):
            "\(other.station)\(other.port.map { ", port \($0)" } ?? "") has it until \(other.claimedUntil)"
        case .keyElsewhere(let other):
            "\(other.keyStation ?? other.station) made its key, and alone can go on: run it there, or rework it"
        case .needsRework(let other): "it failed before: \(other.sentence ?? ""); rework it"
        case .unknown: "it is not planned"
        case .quotaReached(let batch, let quota): "batch \(batch) has its quota of \(quota)"
        }
    }
}

extension Ledger {
    /// Takes a device, for `lease` seconds: nobody else begins or goes on with it until then.
    ///
    /// The same station takes back what it had, since one program at a time runs as it. In a batch that has a quota, no more
    /// devices are begun than that, those not counted that failed without a certificate, or are scrapped.
    public func claim(_ serial: String, port: String?, lease: Int, by actor: Actor) throws -> ClaimResult {
        try database.write { session in
            guard
                let device = try session.run("SELECT batch, attempt FROM devices WHERE serial = $1", [.text(serial)])
                    .first
            else { return .unknown }
            let batch = try device.text("batch")
            guard let last = try attempt(serial, number: device.integer("attempt"), in: session) else {
                return try begin(serial, 1, batch, port, lease, actor, session)
            }
            switch last.state {
            case .verified: return .verified(last)
            case .scrapped, .retired: return .ended(last)
            case .failed:
                guard !last.mayHaveCertificate else { return .needsRework(last) }
                return try begin(serial, last.number + 1, batch, port, lease, actor, session)
            case .claimed, .key, .requested, .pending, .issued, .delivered:
                if let holder = last.keyStation, holder != actor.station { return .keyElsewhere(last) }
                guard try last.station == actor.station || last.claimedUntil < leases.now(session) else {
                    return .busy(last)
                }
                return .resumed(try resume(last, port, lease, actor, session))
            }
        }
    }

    /// Gives a device back that was not begun, or keeps it for longer: from now on for `lease` seconds.
    ///
    /// - Returns: the attempt as it is now.
    @discardableResult
    public func extend(_ attempt: Attempt, lease: Int) throws -> Attempt {
        try database.write { session in
            var held = try held(attempt, in: session)
            held.claimedUntil = try leases.now(session).adding(seconds: lease)
            try session.run(
                "UPDATE attempts SET claimed_until = $1 WHERE serial = $2 AND number = $3",
                [SQLValue(held.claimedUntil.milliseconds), .text(held.serial), SQLValue(held.number)])
            return held
        }
    }

    func attempt(_ serial: String, number: Int, in session: any Session) throws -> Attempt? {
        guard number > 0 else { return nil }
        let rows = try session.run(
            "SELECT \(Attempt.columns) FROM attempts WHERE serial = $1 AND number = $2",
            [.text(serial), SQLValue(number)])
        guard let row = rows.first else { throw LedgerError.damaged("attempt \(number) of \(serial) is missing") }
        return try Attempt(row)
    }

    /// The attempt as it is now, if whoever had `attempt` has it still.
    func held(_ attempt: Attempt, in session: any Session) throws -> Attempt {
        guard let now = try self.attempt(attempt.serial, number: attempt.number, in: session) else {
            throw LedgerError.damaged("attempt 0 of \(attempt.serial)")
        }
        guard now.claim == attempt.claim else { throw StepError.lost(now) }
        return now
    }

    private func begin(
        _ serial: String, _ number: Int, _ batch: String, _ port: String?, _ lease: Int, _ actor: Actor,
        _ session: any Session
    ) throws -> ClaimResult {
        if let quota = try quotaReached(in: batch, session) { return .quotaReached(batch: batch, quota: quota) }
        let attempt = try open(
            serial, number, until: leases.now(session).adding(seconds: lease), port: port, tries: 1, reason: nil, actor,
            session)
        try append(
            "claimed", serial, ["attempt": .number(number), "port": port.map(JSON.text)], by: actor, in: session)
        return .begun(attempt)
    }

    /// Opens an attempt, and makes it the device's last.
    func open(
        _ serial: String, _ number: Int, until: Timestamp, port: String?, tries: Int, reason: String?, _ actor: Actor,
        _ session: any Session
    ) throws -> Attempt {
        try session.run(
            """
            INSERT INTO attempts
                (serial, number, state, station, operator, port, claim, claimed_until, tries, reason, started_at)
            VALUES ($1, $2, 'claimed', $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                .text(serial), SQLValue(number), .text(actor.station), .text(actor.person), SQLValue(port),
                .text(newClaim()),
                SQLValue(until.milliseconds), SQLValue(tries), SQLValue(reason), SQLValue(now().milliseconds),
            ])
        try session.run("UPDATE devices SET attempt = $1 WHERE serial = $2", [SQLValue(number), .text(serial)])
        guard let attempt = try attempt(serial, number: number, in: session) else {
            throw LedgerError.damaged("attempt \(number) of \(serial) is missing")
        }
        return attempt
    }

    private func resume(_ last: Attempt, _ port: String?, _ lease: Int, _ actor: Actor, _ session: any Session) throws
        -> Attempt
    {
        try session.run(
            """
            UPDATE attempts SET station = $1, operator = $2, port = $3, claim = $4, claimed_until = $5, tries = tries + 1
            WHERE serial = $6 AND number = $7
            """,
            [
                .text(actor.station), .text(actor.person), SQLValue(port), .text(newClaim()),
                SQLValue(try leases.now(session).adding(seconds: lease).milliseconds), .text(last.serial),
                SQLValue(last.number),
            ])
        try append(
            "resumed", last.serial,
            [
                "attempt": .number(last.number), "port": port.map(JSON.text), "state": .text(last.state.rawValue),
                "before": last.station == actor.station ? nil : .text(last.station),
            ], by: actor, in: session)
        guard let attempt = try attempt(last.serial, number: last.number, in: session) else {
            throw LedgerError.damaged("attempt \(last.number) of \(last.serial) is missing")
        }
        return attempt
    }

    /// - Returns: the quota of a batch that has no place left; nil if it has, or has no quota.
    private func quotaReached(in batch: String, _ session: any Session) throws -> Int? {
        guard let quota = try quota(of: batch, in: session), try placesTaken(in: batch, session) >= quota else {
            return nil
        }
        return quota
    }

    /// Likewise, of a device's batch.
    func quotaReached(bySerial serial: String, _ session: any Session) throws -> Int? {
        try session.run("SELECT batch FROM devices WHERE serial = $1", [.text(serial)]).first.flatMap {
            try quotaReached(in: $0.text("batch"), session)
        }
    }

    private func quota(of batch: String, in session: any Session) throws -> Int? {
        try session.run("SELECT quota FROM batches WHERE name = $1", [.text(batch)]).first?.integerIfAny("quota")
    }

    /// Devices of a batch that have, or may get, a certificate.
    func placesTaken(in batch: String, _ session: any Session) throws -> Int {
        try session.run(
            """
            SELECT count(*) AS number FROM devices d JOIN attempts a ON a.serial = d.serial AND a.number = d.attempt
            WHERE d.batch = $1 AND a.state <> 'scrapped' AND (a.state <> 'failed' OR a.may_have_certificate = 1)
            """, [.text(batch)]
        ).first?.integer("number") ?? 0
    }

    private func newClaim() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
    }
}
