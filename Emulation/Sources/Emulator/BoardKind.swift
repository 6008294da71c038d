import Foundation

/// The boards that can be run here, without any hardware.
public enum BoardKind: String, CaseIterable, Sendable, CustomStringConvertible {
    /// Cortex-M3 with 256 KiB flash and 64 KiB SRAM, emulated with its Ethernet registers.
    case lm3s6965evb
    /// A program of this machine.
    case linux
    /// A static program for 32-bit ARM with hardware floating point, under qemu-user.
    case armhf
    /// A static program for 64-bit ARM, under qemu-user.
    case arm64

    public var description: String { rawValue }

    /// What a person reads.
    public var title: String {
        switch self {
        case .lm3s6965evb: "lm3s6965evb (Cortex-M3, 256 KiB flash, 64 KiB SRAM), emulated"
        case .linux: "linux, a program of this machine"
        case .armhf: "linux on 32-bit ARM, emulated"
        case .arm64: "linux on 64-bit ARM, emulated"
        }
    }

    /// Whether it is a whole machine, with a network of its own behind QEMU's router.
    public var isMachine: Bool { self == .lm3s6965evb }

    /// How the board reaches a server on this machine's loopback interface.
    public var loopback: String { isMachine ? "10.0.2.2" : "127.0.0.1" }

    /// The image that the board starts.
    public var image: BuildProduct {
        switch self {
        case .lm3s6965evb:
            BuildProduct(
                "Boards/lm3s6965evb/.build/lm3s6965evb.elf", from: Self.firmwareSources, by: "make firmware")
        case .linux, .armhf, .arm64:
            BuildProduct(
                "Boards/linux/.build/\(self)/scep-device", from: ["Boards/linux", "Toolchain/toolsets"],
                by: "make linux")
        }
    }

    /// The image for lm3s6965evb with TLS in it.
    public static let securedImage = BuildProduct(
        "Boards/lm3s6965evb/.build/https/lm3s6965evb.elf", from: firmwareSources, by: "make firmware-https")

    /// The image for lm3s6965evb that has no network.
    public static let relayedImage = BuildProduct(
        "Boards/lm3s6965evb/.build/relay/lm3s6965evb.elf", from: firmwareSources, by: "make firmware-relay")

    private static let firmwareSources = [
        "Boards/lm3s6965evb", "Toolchain/toolsets", "Toolchain/swiftc-lto", "Toolchain/sources",
    ]

    /// The emulator's program and the Debian package that it comes from; nil where none is needed.
    var emulator: (executable: String, package: String)? {
        switch self {
        case .lm3s6965evb: ("/usr/bin/qemu-system-arm", "qemu-system-arm")
        case .linux: nil
        case .armhf: ("/usr/bin/qemu-arm", "qemu-user")
        case .arm64: ("/usr/bin/qemu-aarch64", "qemu-user")
        }
    }
}

/// How a board is started, beyond what is usual.
public struct BootOptions: Sendable {
    /// Ties time to executed instructions, so that a run counts the same whatever else this machine does: a
    /// nanosecond an instruction. Emulated machines only.
    public var countsInstructions = false
    /// Waits for a debugger on this port of 127.0.0.1 before the first instruction.
    public var debuggerPort: UInt16?
    /// What the board's UART is connected to, in place of what the program writes: a terminal's path, or
    /// `tcp:127.0.0.1:4001,server=on,wait=off` (qemu-system(1), `-serial`). Such a board has no network. Emulated machines
    /// only.
    public var uart: String?
    /// Its Ethernet address, `52:54:00:00:00:01`, which such a board has for a serial number; QEMU's usual one when nil.
    public var ethernetAddress: String?

    public init(
        countsInstructions: Bool = false, debuggerPort: UInt16? = nil, uart: String? = nil,
        ethernetAddress: String? = nil
    ) {
        self.countsInstructions = countsInstructions
        self.debuggerPort = debuggerPort
        self.uart = uart
        self.ethernetAddress = ethernetAddress
    }
}

extension BoardKind {
    /// The program that runs `image` as this board in `folder`.
    public func program(image: URL, in folder: URL, options: BootOptions = BootOptions()) -> Program {
        guard let emulator else {
            return Program(executable: image.path, arguments: [], folder: folder, origin: self.image.command)
        }
        var arguments: [String] = []
        if isMachine {
            arguments += ["-M", rawValue, "-display", "none", "-monitor", "none"]
            arguments += ["-serial", options.uart ?? "stdio"]
            arguments += ["-semihosting-config", "enable=on,target=native"]
            let address = options.ethernetAddress.map { ",mac=\($0)" } ?? ""
            arguments += ["-nic", "user,model=stellaris\(options.uart == nil ? "" : ",restrict=on")\(address)"]
            if options.countsInstructions { arguments += ["-icount", "shift=0"] }
            if let port = options.debuggerPort { arguments += ["-gdb", "tcp:127.0.0.1:\(port)", "-S"] }
            arguments += ["-kernel", image.path]
        } else {
            if let port = options.debuggerPort { arguments += ["-g", "\(port)"] }
            arguments.append(image.path)
        }
        var program = Program(
            executable: emulator.executable, arguments: arguments, folder: folder,
            origin: "apt-get install \(emulator.package), or make setup")
        // QEMU says this of the board's timers at every reset.
        program.noise = ["Timer with period zero, disabling"]
        return program
    }
}

/// Why a board could not be run to its last line.
public enum BoardError: Error, Sendable, CustomStringConvertible {
    /// The board wrote nothing for all that time.
    case silent(BoardKind, after: Duration)
    /// The board did not come to its last line in time.
    case unfinished(BoardKind, after: Duration, transcript: [Line])
    /// The board stopped without a last line.
    case crashed(BoardKind, Ending, transcript: [Line])

    public var description: String {
        switch self {
        case .silent(let board, let limit):
            """
            \(board) wrote nothing within \(limit.seconds) s; rebuild its firmware (\(board.image.command)), or look at \
            its first instructions with a debugger as CONTRIBUTING.md says
            """
        case .unfinished(let board, let limit, let transcript):
            "\(board) was not through after \(limit.seconds) s. \(ProgramError.last(transcript))"
        case .crashed(let board, let ending, let transcript):
            "\(board) stopped without a last word: \(ending). \(ProgramError.last(transcript))"
        }
    }
}
