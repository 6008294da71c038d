/// What the audit trail says of the devices: which attempts there were, how far each came, and which certificate it brought.
struct Replay {
    struct Attempted: Equatable {
        var state: AttemptState
        var fingerprint: String?
    }

    /// The attempts of each device, the first first.
    private(set) var devices: [String: [Attempted]] = [:]

    /// The quotas of the batches; nil for none.
    private(set) var quotas: [String: Int?] = [:]

    /// Takes an entry in; of others than those of devices and batches nothing is kept.
    mutating func take(_ entry: AuditEntry) {
        switch entry.action {
        // What is planned later leaves a batch its quota.
        case "planned" where quotas[entry.subject] == nil, "quota":
            quotas.updateValue(
                Self.value(of: "\"quota\":", in: entry.detail, while: \.isNumber).flatMap { Int($0) },
                forKey: entry.subject)
        case "reworked":
            // One that was open was given up with it.
            if let last = devices[entry.subject]?.last, last.state.isOpen { set(entry.subject, .failed) }
            devices[entry.subject, default: []].append(Attempted(state: .claimed))
        case "scrapped" where devices[entry.subject] == nil:
            devices[entry.subject] = [Attempted(state: .scrapped)]
        case "claimed" where attempt(entry) == (devices[entry.subject]?.count ?? 0) + 1:
            devices[entry.subject, default: []].append(Attempted(state: .claimed))
        default:
            // `claimed` of an attempt that there is, `resumed`, `planned` and others change no state.
            guard entry.action != "claimed", let state = AttemptState(rawValue: entry.action) else { return }
            set(entry.subject, state)
            if state == .issued { setFingerprint(entry) }
        }
    }

    private mutating func set(_ serial: String, _ state: AttemptState) {
        guard let last = devices[serial]?.indices.last else { return }
        devices[serial]?[last].state = state
    }

    private mutating func setFingerprint(_ entry: AuditEntry) {
        guard let last = devices[entry.subject]?.indices.last else { return }
        devices[entry.subject]?[last].fingerprint = Self.value(of: "\"fingerprint\":\"", in: entry.detail) {
            $0 != "\""
        }
    }

    private func attempt(_ entry: AuditEntry) -> Int? {
        Self.value(of: "\"attempt\":", in: entry.detail, while: \.isNumber).flatMap { Int($0) }
    }

    /// What stands behind a name in canonical JSON. Within a text its quotation marks would stand behind backslashes.
    private static func value(of name: String, in detail: String, while belongs: (Character) -> Bool) -> String? {
        guard let place = detail.firstRange(of: name) else { return nil }
        return String(detail[place.upperBound...].prefix(while: belongs))
    }
}

extension Ledger {
    /// Holds what the tables say of each device against what the trail says.
    ///
    /// - Throws: ``AuditFault/tableDiffers(serial:attempt:)``, ``AuditFault/quotaDiffers(batch:)``.
    func compare(_ replay: Replay, in session: any Session) throws {
        for row in try session.run("SELECT name, quota FROM batches") {
            let name = try row.text("name")
            guard let quota = replay.quotas[name], quota == (try row.integerIfAny("quota")) else {
                throw AuditFault.quotaDiffers(batch: name)
            }
        }
        var count = 0
        try session.forEachRow("SELECT serial, number, state, fingerprint FROM attempts", []) { row in
            let (serial, number) = (try row.text("serial"), try row.integer("number"))
            let known = replay.devices[serial] ?? []
            guard known.indices.contains(number - 1), known[number - 1].state.rawValue == (try row.text("state")),
                known[number - 1].fingerprint == (try row.textIfAny("fingerprint"))
            else { throw AuditFault.tableDiffers(serial: serial, attempt: number) }
            count += 1
        }
        for (serial, attempts) in replay.devices where count < replay.devices.values.reduce(0, { $0 + $1.count }) {
            for number in attempts.indices {
                let row = try session.run(
                    "SELECT state FROM attempts WHERE serial = $1 AND number = $2",
                    [.text(serial), SQLValue(number + 1)])
                guard !row.isEmpty else { throw AuditFault.tableDiffers(serial: serial, attempt: number + 1) }
            }
        }
        var certificates = 0
        try session.forEachRow("SELECT serial, attempt, fingerprint, der, status FROM certificates", []) { row in
            let (serial, number) = (try row.text("serial"), try row.integer("attempt"))
            let known = replay.devices[serial] ?? []
            let fingerprint = try row.text("fingerprint")
            guard known.indices.contains(number - 1), known[number - 1].fingerprint == fingerprint,
                try row.text("status") == Self.status(of: number, among: known)
            else { throw AuditFault.tableDiffers(serial: serial, attempt: number) }
            certificates += 1
        }
        let issued = replay.devices.values.reduce(0) { $0 + $1.count { $0.fingerprint != nil } }
        guard certificates == issued else { throw AuditFault.certificatesMissing(issued - certificates) }
    }

    /// What became of an attempt's certificate.
    private static func status(of number: Int, among attempts: [Replay.Attempted]) -> String {
        guard number == attempts.count else { return "superseded" }
        return switch attempts[number - 1].state {
        case .scrapped: "scrapped"
        case .retired: "retired"
        default: "live"
        }
    }
}
