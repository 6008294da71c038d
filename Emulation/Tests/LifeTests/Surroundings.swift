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
        guard !life.isOver else { throw .powerLost }
        try life.flash.program(at: offset, bytes)
    }

    func erase(sector: Int) throws(StorageError) {
        guard !life.isOver else { throw .powerLost }
        try life.flash.erase(sector: sector)
    }
}

/// The line to the CA.
struct LifeTransport: Transport {
    let life: Life
    private var sent: [UInt8] = []
    /// What comes back; nil before it was asked for.
    private var received: [UInt8]?
    private var read = 0

    init(life: Life) { self.life = life }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) { close() }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        for index in bytes.indices { sent.append(bytes[index]) }
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        let bytes: [UInt8]
        if let received {
            bytes = received
        } else {
            bytes = try life.exchange(sent)
            received = bytes
        }
        let count = min(buffer.count, bytes.count - read)
        for index in 0..<count { buffer[index] = bytes[read + index] }
        read += count
        return count
    }

    mutating func close() {
        sent = []
        received = nil
        read = 0
    }
}

struct LifeClock: Clock {
    let life: Life

    var uptime: UInt64 { life.uptime }
    var time: Int64? { life.clock.map { Int64(life.now) / 1000 + $0 } }

    func sleep(milliseconds: UInt64) { life.sleep(milliseconds) }
}

struct LifeLog: Log {
    let life: Life

    func write(line: Span<UInt8>) {
        var bytes: [UInt8] = []
        for index in line.indices { bytes.append(line[index]) }
        life.write(String(decoding: bytes, as: UTF8.self))
    }
}
