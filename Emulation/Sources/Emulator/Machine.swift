import Foundation

/// A whole Linux machine with Debian's kernel, `-M virt` of QEMU, that `Boards/virt/build` makes kernel and initramfs for.
public enum MachineKind: String, CaseIterable, Sendable, CustomStringConvertible {
    /// 64-bit ARM.
    case arm64
    /// 32-bit ARM with hardware floating point.
    case armhf

    public var description: String { rawValue }

    /// The initramfs with the gateway's program in it; the kernel is beside it.
    public var initramfs: BuildProduct {
        BuildProduct(
            "Boards/virt/.build/\(self)/initramfs",
            from: ["Boards/virt", "Packaging", "Toolchain/gateway", "Toolchain/swiftc-lto", "Toolchain/sysroot"],
            by: "make machines")
    }

    var emulator: String {
        switch self {
        case .arm64: "/usr/bin/qemu-system-aarch64"
        case .armhf: "/usr/bin/qemu-system-arm"
        }
    }

    /// A core of the kind that gateways have. 32-bit kernels do not find their way to devices above 4 GiB.
    var model: [String] {
        switch self {
        case .arm64: ["-M", "virt", "-cpu", "cortex-a53"]
        case .armhf: ["-M", "virt,highmem=off", "-cpu", "cortex-a15"]
        }
    }
}

/// A gateway: a machine with a disk that outlives a power cut.
public struct Machine: Sendable {
    public let kind: MachineKind
    /// Beside its kernel.
    public let initramfs: URL
    /// Its working folder, which belongs to no other machine.
    public let folder: URL

    public init(kind: MachineKind, initramfs: URL, folder: URL) {
        self.kind = kind
        self.initramfs = initramfs
        self.folder = folder
    }

    /// How the machine reaches a server on this machine's loopback interface.
    public static let loopback = "10.0.2.2"

    /// What its disk has when it is next powered up.
    public var disk: URL { folder.appending(path: "disk.img") }

    /// Powers the machine up, and off again when `body` is through.
    ///
    /// The disk is left as it was: what becomes of it the caller says, with what was written
    /// (``DiskLog/image(from:cut:)``).
    ///
    /// - Parameters:
    ///   - words: for the program, without spaces.
    ///   - clock: what the machine's real-time clock says at power-up.
    public func powerUp<Value: Sendable>(
        _ words: [String], clock: Date, timeLimit: Duration,
        _ body: @escaping @Sendable (Running) async throws -> Value
    ) async throws -> (run: Run<Value>, log: DiskLog) {
        let kernel = initramfs.deletingLastPathComponent().appending(path: "kernel")
        // The emulator gets a copy, and notes in which order it wrote what, and when the guest asked it to flush.
        let image = folder.appending(path: "disk.run")
        let log = folder.appending(path: "disk.log")
        try? FileManager.default.removeItem(at: image)
        try FileManager.default.copyItem(at: disk, to: image)
        try Data().write(to: log)

        var arguments = kind.model + ["-smp", "1", "-m", "256", "-nodefaults", "-no-reboot", "-display", "none"]
        arguments += ["-monitor", "none", "-serial", "stdio"]
        arguments += ["-kernel", kernel.path, "-initrd", initramfs.path]
        arguments += [
            "-append", (["console=ttyAMA0 quiet panic=-1 cryptomgr.notests --"] + words).joined(separator: " "),
        ]
        arguments += ["-rtc", "base=\(clock.formatted(Self.clockFormat)),clock=host"]
        arguments += ["-netdev", "user,id=network", "-device", "virtio-net-device,netdev=network"]
        arguments += ["-blockdev", "driver=file,node-name=image,filename=\(image.path)"]
        arguments += ["-blockdev", "driver=file,node-name=log,filename=\(log.path)"]
        arguments += ["-blockdev", "driver=blklogwrites,node-name=disk,file=image,log=log"]
        arguments += [
            "-device",
            "virtio-blk-device,drive=disk,physical_block_size=\(DiskLog.page),logical_block_size=\(DiskLog.page)",
        ]
        let program = Program(
            executable: kind.emulator, arguments: arguments, folder: folder,
            origin: "apt-get install qemu-system-arm, or make setup")
        let run = try await program.run(timeLimit: timeLimit, body)
        return (run, try DiskLog(contentsOf: log))
    }

    static let clockFormat = Date.VerbatimFormatStyle(
        format: """
            \(year: .defaultDigits)-\(month: .twoDigits)-\(day: .twoDigits)T\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\
            \(minute: .twoDigits):\(second: .twoDigits)
            """, timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
}
