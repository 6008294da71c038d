import DeviceCrypto

/// Why a plan was not taken in; nothing of it was.
public enum PlanError: Error, Equatable {
    /// It is planned already, and otherwise.
    case plannedOtherwise(serial: String, batch: String)
    case doubled(serial: String)
    /// A quota that there is already is another one.
    case otherQuota(batch: String, quota: Int?)
}

extension PlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .plannedOtherwise(let serial, let batch):
            "\(serial) is planned already, in batch \(batch), with other values: a plan is not changed; give the device's row as it was, or another serial"
        case .doubled(let serial): "the serial '\(serial)' is there twice"
        case .otherQuota(let batch, let quota):
            "batch \(batch) has \(quota.map { "a quota of \($0)" } ?? "no quota") already: it is not changed"
        }
    }
}

extension Ledger {
    /// Takes a manifest in, as a whole or not at all. Devices that are planned already with the same values are passed over.
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
                guard digest == device.digest else {
                    throw PlanError.plannedOtherwise(serial: device.serial, batch: batch)
                }
                try account(batch, 0)
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
