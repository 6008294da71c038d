extension Ledger {
    /// Records what a station did with a device that it holds. What is recorded already, because the answer to it was lost,
    /// is not recorded again.
    ///
    /// - Parameter attempt: as the ledger gave it out last.
    /// - Returns: the attempt as it is now.
    /// - Throws: ``StepError``, ``LedgerError``.
    @discardableResult
    public func record(_ step: AttemptStep, of attempt: Attempt, by actor: Actor) throws -> Attempt {
        try record(step, of: attempt, by: actor, doneAt: nil)
    }

    /// - Parameter moment: when it was done, if that is not now.
    func record(_ step: AttemptStep, of attempt: Attempt, by actor: Actor, doneAt moment: Timestamp?) throws -> Attempt
    {
        try database.write { session in
            let held = try held(attempt, in: session)
            guard let next = try held.after(step, by: actor, at: moment ?? now()) else { return held }
            if case .issued(let certificate) = step { try insert(certificate, held, session) }
            try update(next, session)
            var detail = step.detail
            detail["attempt"] = .number(held.number)
            if let moment { detail["done"] = .text("\(moment)") }
            try append(step.state.rawValue, held.serial, detail, by: actor, in: session)
            return next
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
            throw StepError.secondCertificate(live: try live.text("fingerprint"), other: certificate)
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

    /// Writes what of an attempt may change.
    func update(_ attempt: Attempt, _ session: any Session) throws {
        try session.run(
            """
            UPDATE attempts SET state = $1, key_station = $2, public_key = $3, transaction_id = $4, fingerprint = $5,
                may_have_certificate = $6, cause = $7, sentence = $8, reason = $9, finished_at = $10
            WHERE serial = $11 AND number = $12
            """,
            [
                .text(attempt.state.rawValue), SQLValue(attempt.keyStation), SQLValue(attempt.publicKey),
                SQLValue(attempt.transactionID), SQLValue(attempt.fingerprint), attempt.mayHaveCertificate ? 1 : 0,
                SQLValue(attempt.cause), SQLValue(attempt.sentence), SQLValue(attempt.reason),
                SQLValue(attempt.finishedAt?.milliseconds), .text(attempt.serial), SQLValue(attempt.number),
            ])
    }
}
