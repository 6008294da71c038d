import Agent
import Board
import SimulatedStorage

private typealias Snapshots = NORSnapshots<SimulatedFlash, 256>

/// A part's life: snapshots, power cuts, failures, damage. What was stored last is found again, or, where power was cut
/// in between, what was stored before it. Whatever happens to the part, nothing is found that never was stored.
func replayFlash(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let geometries = [
        StorageGeometry(pageSize: 4, sectorSize: 256, sectorCount: 4, erasedValue: 0xFF),
        StorageGeometry(pageSize: 1, sectorSize: 512, sectorCount: 3, erasedValue: 0x00),
        StorageGeometry(pageSize: 64, sectorSize: 128, sectorCount: 8, erasedValue: 0xFF),
        StorageGeometry(pageSize: 256, sectorSize: 256, sectorCount: 9, erasedValue: 0xFF),
    ]
    var snapshots = Snapshots(SimulatedFlash(geometries[input.number(below: 4)]), capacity: 100)
    // What may be found; once something was damaged, all that ever was stored.
    var possible: [[UInt8]?] = [nil]
    var stored: [[UInt8]?] = []
    var isDamaged = false
    var isOpen = check(&snapshots, possible, isDamaged)
    while !input.isAtEnd {
        switch input.number(below: 7) {
        case 0, 1:
            let body = Array(input.piece().prefix(100))
            guard isOpen else { continue }
            stored.append(body)
            if store(body, in: &snapshots), !isDamaged {
                possible = [body]
            } else {
                possible.append(body)
            }
        case 2: snapshots.storage.operations.cutPower(at: input.number(below: 16) + 1, tear(&input))
        case 3: snapshots.storage.operations.fail(at: input.number(below: 16) + 1, tear(&input))
        case 4:
            snapshots.storage.corrupt(
                (Int(input.byte()) << 8 | Int(input.byte())) % snapshots.storage.geometry.size, with: input.byte())
            isDamaged = true
            possible += stored
        case 6:
            // Something else was there before: as much as fits on pages that are erased.
            let geometry = snapshots.storage.geometry
            let page = input.number(below: geometry.size / geometry.pageSize) * geometry.pageSize
            var bytes = input.piece().prefix(geometry.size - page)
            bytes += [UInt8](
                repeating: 0x5A, count: (geometry.pageSize - bytes.count % geometry.pageSize) % geometry.pageSize)
            _ = try? snapshots.storage.program(at: page, bytes.span)
            isDamaged = true
            possible += stored
        default:
            snapshots.storage.operations.boot()
            isOpen = check(&snapshots, possible, isDamaged)
        }
    }
    snapshots.storage.operations.boot()
    _ = check(&snapshots, possible, isDamaged)
    _ = check(&snapshots, possible, isDamaged)
}

private func tear(_ input: inout Input) -> Tear { Tear.allCases[input.number(below: Tear.allCases.count)] }

private func store(_ body: [UInt8], in snapshots: inout Snapshots) -> Bool {
    do throws(StorageError) {
        try snapshots.begin(size: body.count)
        try snapshots.append(body.span)
        try snapshots.commit()
        return true
    } catch {
        return false
    }
}

private func check(_ snapshots: inout Snapshots, _ possible: [[UInt8]?], _ isDamaged: Bool) -> Bool {
    do throws(StorageError) {
        guard let size = try snapshots.open() else {
            require(isDamaged || possible.contains(nil), "what was stored is found")
            return true
        }
        var body = [UInt8](repeating: 0, count: size)
        var buffer = body.mutableSpan
        try snapshots.read(at: 0, into: &buffer)
        require(possible.contains(body), "what is found was stored")
        return true
    } catch {
        require(isDamaged, "what is not damaged can be opened")
        return false
    }
}

/// The file of a folder, as it was stored and then corrupted, or any bytes: what was changed is refused.
func readFolder(_ bytes: [UInt8]) {
    var input = Input(bytes)
    var snapshots = DirectorySnapshots(SimulatedDirectory())
    let body = input.piece()
    guard (try? openFolder(&snapshots)) == [] else { return require(false, "a new folder can be opened") }
    do throws(StorageError) {
        try snapshots.begin(size: body.count)
        try snapshots.append(body.span)
        try snapshots.commit()
    } catch {
        return require(false, "a folder takes what fits")
    }
    require((try? openFolder(&snapshots)) == body, "what was stored is found")
    let stored = snapshots.directory.identity ?? []
    var image = stored
    if input.byte() & 1 == 0 { input.corrupt(&image) } else { image = input.remainder() }
    snapshots.directory.identity = image
    if let found = try? openFolder(&snapshots) { require(image == stored && found == body, "damage is noticed") }
}

private func openFolder(_ snapshots: inout DirectorySnapshots<SimulatedDirectory>) throws(StorageError) -> [UInt8] {
    guard let size = try snapshots.open() else { return [] }
    var body = [UInt8](repeating: 0, count: size)
    var buffer = body.mutableSpan
    try snapshots.read(at: 0, into: &buffer)
    return body
}

/// Any bytes as an identity's snapshot: they are refused, or what is in them stays the same when it is written again, and
/// a device starts with it, or says why it does not.
func readStore(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let choice = input.byte()
    var store = IdentityStore(MemorySnapshots(input.remainder()))
    guard (try? store.open()) != nil else { return }
    var size = 0
    var values: [[UInt8]?] = []
    for record in records {
        size += store.copiedSize(of: record)
        values.append(value(record, of: &store))
        require(values.last != [] || store.size(of: record) == 0, "an empty record is empty")
    }
    do throws(StorageError) {
        try store.begin(bodySize: size)
        for record in records { try store.copy(record) }
        try store.commit()
        try store.open()
    } catch {
        require(false, "what was read can be written")
    }
    for (record, before) in zip(records, values) {
        require(value(record, of: &store) == before, "what is kept stays the same")
    }
    startDevice(&store, steps: choice & 1 == 0 ? 0 : 3)
}

private let records = (1...10).compactMap { StoredRecord(rawValue: $0) }

private func value(_ record: StoredRecord, of store: inout IdentityStore<MemorySnapshots>) -> [UInt8]? {
    guard let size = store.size(of: record) else { return nil }
    var value = [UInt8](repeating: 0, count: size)
    var buffer = value.mutableSpan
    require((try? store.read(record, into: &buffer)) == size, "a record can be read")
    return value
}

private func startDevice(_ store: inout IdentityStore<MemorySnapshots>, steps: Int) {
    let text = Conversation.text
    guard let configuration = try? Configuration(text.span) else { return }
    var agent = Agent<SmoothKey, 4096>()
    var random = seededRandom()
    var buffer = [UInt8](repeating: 0, count: 8192)
    var work = buffer.mutableSpan
    do throws(AgentError) {
        try agent.start(configuration: configuration, store: &store, work: &work)
        for step in 0..<steps {
            let action = try agent.step(
                configuration: configuration, clock: 1_767_225_600, uptime: UInt64(step), store: &store, work: &work,
                random: &random)
            guard action == .store else { continue }
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        }
    } catch {}
}
