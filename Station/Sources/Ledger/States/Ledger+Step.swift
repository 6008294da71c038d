extension Ledger {
    /// Records what a station did with a device that it holds. What is recorded already, because the answer to it was lost,
    /// is not recorded again.
    ///
    /// - Parameter attempt: as the ledger gave it out last.
    /// - Returns: the attempt as it is now.
    /// - Throws: ``StepError``, ``LedgerError``.
    @discardableResult
    public func record(_ progress: AttemptStep, of attempt: Attempt, by actor: Actor) throws -> Attempt {
        try database.write { session in
            let held = try held(attempt, in: session)
            guard !Self.isRecorded(progress, in: held) else { return held }
            guard held.state.mayBecome(progress.state) else { throw StepError.outOfOrder(held, progress.state) }
            let changes = try changes(progress, held, actor, session)
            try update(held, progress.state, changes.columns, session)
            try append(
                progress.state.rawValue, held.serial, changes.detail.merging(["attempt": .number(held.number)]) { $1 },
                by: actor, in: session)
            return try self.held(held, in: session)
        }
    }

    /// Whether the attempt has this, or has gone on from it: a client that is run again tells it again.
    private static func isRecorded(_ step: AttemptStep, in attempt: Attempt) -> Bool {
        switch step {
        case .key(let publicKey, _): attempt.publicKey == publicKey
        case .requested(let transactionID): attempt.transactionID == transactionID
        case .pending: attempt.state == .pending
        case .issued(let certificate): attempt.fingerprint == certificate.fingerprint
        case .delivered: attempt.state == .delivered || attempt.state == .verified
        case .verified(let fingerprint, _): attempt.state == .verified && attempt.fingerprint == fingerprint
        case .failed(let cause):
            attempt.state == .failed && attempt.cause == cause.kind && attempt.sentence == cause.sentence
        }
    }

    private func changes(
        _ progress: AttemptStep, _ attempt: Attempt, _ actor: Actor, _ session: any Session
    ) throws -> (columns: [(String, SQLValue)], detail: [String: JSON]) {
        switch progress {
        case .key(let publicKey, let isHere):
            return (
                [("public_key", .text(publicKey)), ("key_station", isHere ? .text(actor.station) : .null)],
                ["publicKey": .text(publicKey), "madeBy": .text(isHere ? "station" : "device")]
            )
        case .requested(let transactionID):
            if let begun = attempt.transactionID, begun != transactionID {
                throw StepError.otherTransaction(begun: begun, now: transactionID)
            }
            return (
                [("transaction_id", .text(transactionID)), ("may_have_certificate", 1)],
                ["transactionID": .text(transactionID)]
            )
        case .pending: return ([], [:])
        case .issued(let certificate):
            try insert(certificate, attempt, session)
            return (
                [("fingerprint", .text(certificate.fingerprint)), ("may_have_certificate", 1)],
                ["fingerprint": .text(certificate.fingerprint), "serialNumber": .text(certificate.serialNumber)]
            )
        case .delivered(let place): return ([], ["to": .text(place)])
        case .verified(let fingerprint, let means):
            guard let expected = attempt.fingerprint, expected == fingerprint else {
                throw StepError.otherCertificate(expected: attempt.fingerprint ?? "none", found: fingerprint)
            }
            return ([], ["fingerprint": .text(fingerprint), "by": .text(means)])
        case .failed(let cause):
            return (
                [("cause", .text(cause.kind)), ("sentence", .text(cause.sentence))]
                    + (cause.excludesCertificate && attempt.fingerprint == nil ? [("may_have_certificate", 0)] : []),
                ["cause": .text(cause.kind), "sentence": .text(cause.sentence)]
            )
        }
    }

    private func insert(_ certificate: IssuedRecord, _ attempt: Attempt, _ session: any Session) throws {
        if let known = try session.run(
            "SELECT serial FROM certificates WHERE fingerprint = $1", [.text(certificate.fingerprint)]
        ).first {
            let serial = try known.text("serial")
            guard serial == attempt.serial else { throw StepError.certificateOfOther(serial: serial) }
        }
        if let live = try session.run(
            "SELECT fingerprint FROM certificates WHERE serial = $1 AND status = 'live'", [.text(attempt.serial)]
        ).first {
            throw StepError.secondCertificate(live: try live.text("fingerprint"))
        }
        try session.run(
            """
            INSERT INTO certificates (fingerprint, serial, attempt, serial_number, subject, issuer, not_before, not_after, der,
                status, recorded_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'live', $10)
            """,
            [
                .text(certificate.fingerprint), .text(attempt.serial), SQLValue(attempt.number),
                .text(certificate.serialNumber), .text(certificate.subject), .text(certificate.issuer),
                SQLValue(certificate.notBefore), SQLValue(certificate.notAfter), .text(certificate.der),
                SQLValue(now().milliseconds),
            ])
    }

    func update(
        _ attempt: Attempt, _ state: AttemptState, _ columns: [(String, SQLValue)], _ session: any Session
    ) throws {
        var columns = columns
        columns.append(("state", .text(state.rawValue)))
        // What is scrapped or retired later had its end before.
        if attempt.state.isOpen, !state.isOpen { columns.append(("finished_at", SQLValue(now().milliseconds))) }
        let list = columns.enumerated().map { "\($1.0) = $\($0 + 1)" }.joined(separator: ", ")
        try session.run(
            "UPDATE attempts SET \(list) WHERE serial = $\(columns.count + 1) AND number = $\(columns.count + 2)",
            columns.map(\.1) + [.text(attempt.serial), SQLValue(attempt.number)])
    }
}
