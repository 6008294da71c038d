/// Why a person's wish was not carried out.
public enum ReworkError: Error, Equatable {
    case unknown(serial: String)
    /// A station is at it.
    case underWay(Attempt)
    /// There is nothing yet that could be reworked or retired.
    case notBegun(serial: String)
    case ended(Attempt)
    case notVerified(Attempt)
    /// A reason is part of the record.
    case noReason
    /// The device gave its place up when it failed, and all of its batch are taken.
    case quotaReached(serial: String, quota: Int)
}

extension ReworkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let serial): "no manifest of this ledger has the serial '\(serial)'"
        case .underWay(let attempt):
            "\(attempt.serial) is \(attempt.state.rawValue) at \(attempt.station) until \(attempt.claimedUntil): let it end there first, or wait"
        case .notBegun(let serial): "\(serial) was not begun yet: there is nothing to undo"
        case .ended(let attempt): "\(attempt.serial) is \(attempt.state.rawValue)"
        case .notVerified(let attempt):
            "\(attempt.serial) is \(attempt.state.rawValue): only a verified device is retired; scrap it if it is thrown away"
        case .quotaReached(let serial, let quota): "the quota of \(serial)'s batch, \(quota), is taken by other devices"
        case .noReason: "say why: the reason is part of the record"
        }
    }
}

extension Ledger {
    /// Opens a new attempt for a device whose last one ended, or whose station is gone, and marks the certificate of the
    /// old one superseded. A station that claims the device goes on with the new attempt.
    public func rework(_ serial: String, reason: String, by actor: Actor) throws {
        try database.write { session in
            let last = try lastAttempt(serial, reason, session)
            guard let last else { throw ReworkError.notBegun(serial: serial) }
            guard last.state != .scrapped, last.state != .retired else { throw ReworkError.ended(last) }
            if last.state.isOpen {
                guard try last.claimedUntil < leases.now(session) else { throw ReworkError.underWay(last) }
                var given = last.ended(.failed, reason: reason, at: now())
                (given.cause, given.sentence) = (FailureCause.givenUp, reason)
                try update(given, session)
            }
            if last.state == .failed, !last.mayHaveCertificate, let quota = try quotaReached(bySerial: serial, session)
            {
                throw ReworkError.quotaReached(serial: serial, quota: quota)
            }
            try mark(last.serial, "superseded", session)
            try append(
                "reworked", serial, ["attempt": .number(last.number + 1), "reason": .text(reason)], by: actor,
                in: session)
            // Nobody's yet: whoever claims the device first goes on with it.
            _ = try open(serial, last.number + 1, until: .past, port: nil, tries: 0, reason: reason, actor, session)
        }
    }

    /// Records that a device is thrown away, begun or not.
    public func scrap(_ serial: String, reason: String, by actor: Actor) throws {
        try database.write { session in
            let last = try lastAttempt(serial, reason, session)
            if let last {
                guard last.state != .scrapped, last.state != .retired else { throw ReworkError.ended(last) }
                guard try !last.state.isOpen || last.claimedUntil < leases.now(session) else {
                    throw ReworkError.underWay(last)
                }
                try update(last.ended(.scrapped, reason: reason, at: now()), session)
            } else {
                let attempt = try open(serial, 1, until: .past, port: nil, tries: 0, reason: reason, actor, session)
                try update(attempt.ended(.scrapped, reason: reason, at: now()), session)
            }
            try mark(serial, "scrapped", session)
            try append("scrapped", serial, ["reason": .text(reason)], by: actor, in: session)
        }
    }

    /// Records that a verified device is in use no more.
    public func retire(_ serial: String, reason: String, by actor: Actor) throws {
        try database.write { session in
            guard let last = try lastAttempt(serial, reason, session) else {
                throw ReworkError.notBegun(serial: serial)
            }
            guard last.state == .verified else {
                throw last.state == .retired || last.state == .scrapped ? ReworkError.ended(last) : .notVerified(last)
            }
            try update(last.ended(.retired, reason: reason, at: now()), session)
            try mark(serial, "retired", session)
            try append("retired", serial, ["reason": .text(reason)], by: actor, in: session)
        }
    }

    /// - Returns: nil if the device was not begun.
    private func lastAttempt(_ serial: String, _ reason: String, _ session: any Session) throws -> Attempt? {
        guard !reason.allSatisfy(\.isWhitespace) else { throw ReworkError.noReason }
        guard let device = try session.run("SELECT attempt FROM devices WHERE serial = $1", [.text(serial)]).first
        else { throw ReworkError.unknown(serial: serial) }
        return try attempt(serial, number: device.integer("attempt"), in: session)
    }

    private func mark(_ serial: String, _ status: String, _ session: any Session) throws {
        try session.run(
            "UPDATE certificates SET status = $1 WHERE serial = $2 AND status = 'live'", [.text(status), .text(serial)])
    }
}
