import Agent
import Board

// What a device's program runs on, for one run.

/// A flash that outlives the run.
struct LifeFlash: Storage {
    let life: Life

    var geometry: StorageGeometry { life.flash.geometry }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try life.flash.read(at: offset, into: &buffer)
    }

    func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        guard !life.isEnded else { throw .powerLost }
        life.wasStored = true
        try life.flash.program(at: offset, bytes)
    }

    func erase(sector: Int) throws(StorageError) {
        guard !life.isEnded else { throw .powerLost }
        try life.flash.erase(sector: sector)
    }
}

/// What the factory wrote: see `Board.ProvisioningRecord`.
struct LifeRecord: Storage {
    private let bytes: [UInt8]

    let geometry = FlashLayout.record

    /// - Parameter text: the device's configuration.
    init(_ text: [UInt8]) {
        func littleEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
        bytes = Array("SCEP".utf8) + littleEndian(UInt32(text.count)) + text + littleEndian(crc32(text.span))
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard offset + buffer.count <= bytes.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = bytes[offset + index] }
    }

    func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) { throw .failed }
    func erase(sector: Int) throws(StorageError) { throw .failed }
}

struct LifeClock: Clock {
    let life: Life

    var uptime: UInt64 { life.uptime }
    var time: Int64? { life.clock.map { Int64(life.now) / 1000 + $0 } }

    func sleep(milliseconds: UInt64) { life.sleep(milliseconds) }
}

struct LifeLog: AgentLog {
    let life: Life

    func write(line: Span<UInt8>) {
        var bytes: [UInt8] = []
        for index in line.indices { bytes.append(line[index]) }
        life.write(String(decoding: bytes, as: UTF8.self))
    }
}
