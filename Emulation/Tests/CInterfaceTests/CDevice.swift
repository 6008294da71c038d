import Board
import CSCEP
import Foundation
import LinuxBoard
import SimulatedStorage

/// A board as a C program describes it: tables of functions, whose context is this object. Everything can be had to go wrong.
final class CDevice {
    var flash = SimulatedFlash(StorageGeometry(pageSize: 4, sectorSize: 1_024, sectorCount: 60, erasedValue: 0xFF))
    /// What the clock is ahead, in seconds; nil: it does not know the time.
    var clockOffset: Int64? = 0
    /// Whether the uptime stands still.
    var standsStill = false
    var seed: (UnsafeMutableBufferPointer<UInt8>) -> Int32 = { bytes in
        for index in bytes.indices { bytes[index] = .random(in: 0...255) }
        return 0
    }
    /// What flash functions return in place of what they did.
    var flashStatus: Int32 = 0
    private(set) var lines: [String] = []
    /// How often the watchdog was fed.
    private(set) var aliveCalls = 0
    private(set) var outcomes: [scep_outcome] = []
    private(set) var certificates: [[UInt8]] = []

    private let memory = UnsafeMutablePointer<scep_agent>.allocate(capacity: 1)
    private let work: UnsafeMutableBufferPointer<UInt8>
    private let text: UnsafeMutableBufferPointer<CChar>
    private let flashTable = UnsafeMutablePointer<scep_flash>.allocate(capacity: 1)
    private let keyTable: UnsafeMutablePointer<scep_keys>?

    var agent: UnsafeMutablePointer<scep_agent> { memory }
    var workSpace: UnsafeMutableBufferPointer<UInt8> { work }

    init(_ configuration: String, workSize: Int = 16_384, keys: scep_keys? = nil) {
        work = .allocate(capacity: workSize)
        work.initialize(repeating: 0)
        let bytes = configuration.utf8.map { CChar(bitPattern: $0) }
        text = .allocate(capacity: max(bytes.count, 1))
        _ = text.initialize(from: bytes)
        memory.initialize(to: scep_agent())
        keyTable = keys.map { table in
            let place = UnsafeMutablePointer<scep_keys>.allocate(capacity: 1)
            place.initialize(to: table)
            return place
        }
        flashTable.initialize(to: scep_flash())
    }

    deinit {
        scep_end(memory)
        memory.deallocate()
        work.deallocate()
        text.deallocate()
        flashTable.deallocate()
        keyTable?.deallocate()
    }

    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private static func device(_ context: UnsafeMutableRawPointer?) -> CDevice {
        Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }

    /// All that the agent is given, to be changed before ``start(_:)``.
    var platform: scep_platform {
        var flash = scep_flash()
        flash.context = context
        flash.page_size = UInt32(self.flash.geometry.pageSize)
        flash.sector_size = UInt32(self.flash.geometry.sectorSize)
        flash.sector_count = UInt32(self.flash.geometry.sectorCount)
        flash.erased_value = self.flash.geometry.erasedValue
        flash.read = { context, offset, bytes, size in
            let device = CDevice.device(context)
            var span = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: size))
            let done: Void? = try? device.flash.read(at: Int(offset), into: &span)
            return done == nil ? -1 : device.flashStatus
        }
        flash.program = { context, offset, bytes, size in
            let device = CDevice.device(context)
            let span = Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: size))
            let done: Void? = try? device.flash.program(at: Int(offset), span)
            return done == nil ? -1 : device.flashStatus
        }
        flash.erase = { context, sector in
            let device = CDevice.device(context)
            let done: Void? = try? device.flash.erase(sector: Int(sector))
            return done == nil ? -1 : device.flashStatus
        }
        flashTable.pointee = flash
        var platform = scep_platform()
        platform.context = context
        platform.uptime = { context in
            CDevice.device(context).standsStill ? 1 : UInt64(ProcessInfo.processInfo.systemUptime * 1_000)
        }
        platform.time = { context in
            CDevice.device(context).clockOffset.map { Int64(Date().timeIntervalSince1970) + $0 } ?? 0
        }
        platform.entropy = { context, bytes, size in
            CDevice.device(context).seed(UnsafeMutableBufferPointer(start: bytes, count: size))
        }
        platform.alive = { context in CDevice.device(context).aliveCalls += 1 }
        platform.log = { context, line, size in
            let bytes = UnsafeRawBufferPointer(start: line, count: size)
            CDevice.device(context).lines.append(String(decoding: bytes, as: UTF8.self))
        }
        platform.event = { context, event in
            guard let event = event?.pointee else { return }
            let device = CDevice.device(context)
            device.outcomes.append(event.outcome)
            if let bytes = event.certificate {
                device.certificates.append(Array(UnsafeBufferPointer(start: bytes, count: event.certificate_size)))
            }
        }
        platform.flash = UnsafePointer(flashTable)
        platform.keys = keyTable.map { UnsafePointer($0) }
        return platform
    }

    /// Powers the device up: what was in memory before is gone.
    func start(_ change: (inout scep_platform) -> Void = { _ in }) -> scep_status {
        var platform = platform
        change(&platform)
        memory.initialize(to: scep_agent())
        return scep_init(
            memory, MemoryLayout<scep_agent>.size, &platform, text.baseAddress, text.count, work.baseAddress,
            work.count)
    }

    var error: String {
        var text = [CChar](repeating: 1, count: Int(SCEP_TEXT_SIZE))
        let count = scep_error(memory, &text, text.count)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var kind: String { String(error.prefix { $0 != ":" }) }

    private func bytes(
        _ function: (UnsafeMutablePointer<scep_agent>?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?)
            -> scep_status
    ) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 8_192)
        var size = buffer.count
        guard function(memory, &buffer, &size) == SCEP_OK else { return nil }
        return Array(buffer.prefix(size))
    }

    var certificate: [UInt8]? { bytes(scep_certificate) }
    var chain: [UInt8]? { bytes(scep_chain) }

    /// Signs a digest with the certificate's key.
    func sign(_ digest: [UInt8], _ algorithm: scep_digest = SCEP_SHA256, capacity: Int = 512) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: capacity)
        var size = buffer.count
        guard scep_sign(memory, algorithm, digest, digest.count, &buffer, &size) == SCEP_OK else { return nil }
        return Array(buffer.prefix(size))
    }
}
