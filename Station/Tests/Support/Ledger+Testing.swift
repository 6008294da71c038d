import Ledger

extension Actor {
    public static let first = Actor(station: "line-1", person: "Ada")
    public static let second = Actor(station: "line-2", person: "Bob")
}

extension Ledger {
    /// Plans devices of one batch.
    public func plan(_ serials: [String], batch: String = "B1", quota: Int? = nil) throws {
        var left = serials[...]
        try plan(manifest: "m", quota: quota, by: .first) {
            left.popFirst().map { PlannedDevice(serial: $0, batch: batch) }
        }
    }

    /// Claims a device that is free.
    public func taken(_ serial: String, by actor: Actor = .first, lease: Int = 600) throws -> Attempt {
        switch try claim(serial, port: "p1", lease: lease, by: actor) {
        case .begun(let attempt), .resumed(let attempt): return attempt
        case let other: throw UnexpectedClaim(result: "\(other)")
        }
    }

    /// Brings a device to verified.
    @discardableResult
    public func provision(_ serial: String, fingerprint: String, by actor: Actor = .first) throws -> Attempt {
        var attempt = try taken(serial, by: actor)
        for step in AttemptStep.whole(fingerprint) { attempt = try record(step, of: attempt, by: actor) }
        return attempt
    }
}

public struct UnexpectedClaim: Error {
    public let result: String

    public init(result: String) { self.result = result }
}

extension AttemptStep {
    public static func certificate(_ fingerprint: String) -> AttemptStep {
        .issued(
            IssuedRecord(
                fingerprint: fingerprint, serialNumber: "0a", subject: "CN=x", issuer: "CN=CA", notBefore: 1,
                notAfter: 2,
                der: "AAAA"))
    }

    /// All of an attempt's way.
    public static func whole(_ fingerprint: String) -> [AttemptStep] {
        [
            .key(publicKey: "k", isHere: false), .requested(transactionID: "t"), .pending, certificate(fingerprint),
            .delivered(to: "device"), .verified(fingerprint: fingerprint, by: "event"),
        ]
    }
}
