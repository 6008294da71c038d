import DeviceCrypto

/// Why a plan was not taken in; nothing of it was.
public enum PlanError: Error, Equatable {
    /// It is planned already, in another batch.
    case otherBatch(serial: String, batch: String)
    case doubled(serial: String)
    /// A quota that there is already is another one.
    case otherQuota(batch: String, quota: Int?)
}

extension PlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .otherBatch(let serial, let batch):
            "\(serial) is planned already, in batch \(batch): name that one, with --batch or in the column batch, or give this device a serial of its own"
        case .doubled(let serial): "the serial '\(serial)' is there twice"
        case .otherQuota(let batch, let quota):
            "batch \(batch) has \(quota.map { "a quota of \($0)" } ?? "no quota") already, which a manifest does not change: scep-station quota does"
        }
    }
}

extension Ledger {
    /// Takes a manifest in, as a whole or not at all. Devices that are planned already, and have a certificate, are passed over; of others
    /// the new plan counts.
    ///
    /// - Parameters:
    ///   - manifest: SHA-256 of the file, hexadecimal, for the record.
    ///   - quota: how many devices of each batch may get a certificate; nil for all.
    ///   - devices: hands out one device after the other, then nil.
    /// - Returns: how many were not planned before.
    @discardableResult
    public func plan(
        manifest: String, quota: Int?, by actor: Actor, devices: () throws -> PlannedDevice?
    ) throws -> Int {
        try database.write { session in
            var added = 0
            var batches: [String: Int] = [:]
            func account(_ batch: String, _ count: Int) throws {
                if batches[batch] == nil { try enter(batch, quota, session) }
                batches[batch, default: 0] += count
            }
            var part: [PlannedDevice] = []
            func flush() throws {
                added += try insert(part, account, session)
                part.removeAll(keepingCapacity: true)
            }
            while let device = try devices() {
                part.append(device)
                if part.count == Self.rowsAtOnce { try flush() }
            }
            try flush()
            for (batch, count) in batches.sorted(by: { $0.key < $1.key }) where count > 0 {
                try append(
                    "planned", batch,
                    ["devices": .number(count), "manifest": .text(manifest), "quota": quota.map(JSON.number)],
                    by: actor,
                    in: session)
            }
            return added
        }
    }

    /// SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535.
    private static let rowsAtOnce = 500

    private func insert(
        _ devices: [PlannedDevice], _ account: (String, Int) throws -> Void, _ session: any Session
    ) throws -> Int {
        guard !devices.isEmpty else { return 0 }
        let known = try planned(devices.map(\.serial), session)
        var seen: Set<String> = []
        var values: [SQLValue] = []
        var count = 0
        for device in devices {
            guard seen.insert(device.serial).inserted else { throw PlanError.doubled(serial: device.serial) }
            if let (batch, digest) = known[device.serial] {
                guard batch == device.batch else {
                    throw PlanError.otherBatch(serial: device.serial, batch: batch)
                }
                try account(batch, 0)
                if digest != device.digest { try change(device, session) }
                continue
            }
            try account(device.batch, 1)
            values += [
                .text(device.serial), .text(device.batch), SQLValue(device.profile), SQLValue(device.part),
                SQLValue(device.port), SQLValue(device.label), .text(device.columnText), .text(device.digest),
            ]
            count += 1
        }
        guard count > 0 else { return 0 }
        let rows = (0..<count).map { row in
            "(" + (1...8).map { "$\(8 * row + $0)" }.joined(separator: ", ") + ")"
        }
        try session.run(
            "INSERT INTO devices (serial, batch, profile, part, port, label, columns, planned) VALUES "
                + rows.joined(separator: ", "), values)
        return count
    }

    /// Takes another plan for a device that has, and may get, no certificate by the one before: a profile that was mended. What was
    /// made stays as it was planned.
    private func change(_ device: PlannedDevice, _ session: any Session) throws {
        let row = try session.run("SELECT attempt FROM devices WHERE serial = $1", [.text(device.serial)]).first
        let last = try attempt(device.serial, number: row?.integer("attempt") ?? 0, in: session)
        guard last.map({ $0.state == .failed && !$0.mayHaveCertificate || $0.state == .claimed }) ?? true else {
            return
        }
        try session.run(
            """
            UPDATE devices SET profile = $1, part = $2, port = $3, label = $4, columns = $5, planned = $6 WHERE serial = $7
            """,
            [
                SQLValue(device.profile), SQLValue(device.part), SQLValue(device.port), SQLValue(device.label),
                .text(device.columnText), .text(device.digest), .text(device.serial),
            ])
    }

    private func planned(
        _ serials: [String], _ session: any Session
    ) throws -> [String: (batch: String, digest: String)] {
        let places = (1...serials.count).map { "$\($0)" }.joined(separator: ", ")
        let rows = try session.run(
            "SELECT serial, batch, planned FROM devices WHERE serial IN (\(places))", serials.map(SQLValue.text))
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (try $0.text("serial"), (try $0.text("batch"), try $0.text("planned"))) })
    }

    /// Makes a batch. One that is there keeps the quota that it has, which whoever names none leaves to it.
    private func enter(_ name: String, _ quota: Int?, _ session: any Session) throws {
        if let row = try session.run("SELECT quota FROM batches WHERE name = $1", [.text(name)]).first {
            let found = try row.integerIfAny("quota")
            guard quota == nil || found == quota else { throw PlanError.otherQuota(batch: name, quota: found) }
            return
        }
        try session.run(
            "INSERT INTO batches (name, quota, planned_at) VALUES ($1, $2, $3)",
            [.text(name), SQLValue(quota), .text("\(now())")])
    }
}

extension PlannedDevice {
    var columnText: String { JSON.object(columns.mapValues(JSON.text)).description }

    /// SHA-256 of all that is planned, hexadecimal: another one is another plan.
    var digest: String {
        let all = JSON.array([
            .text(serial), .text(batch), profile.map(JSON.text) ?? .null, part.map(JSON.text) ?? .null,
            port.map(JSON.text) ?? .null, label.map(JSON.text) ?? .null, .canonical(columnText),
        ])
        return hexadecimal(Hash.digest(.sha256, of: all.encoding.span).bytes)
    }
}
