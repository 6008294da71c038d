import Foundation

/// A board that can be run here, without any hardware.
public struct BoardKind: Sendable, Hashable, CustomStringConvertible {
    /// What it is called: the name of its folder, or of the kind of Linux that its program is for.
    public let name: String
    /// What a person reads.
    public let title: String
    /// Where things are in its flash.
    public let regions: FlashRegions
    /// The kind of key that its memory is enough for, as the provisioning record has it; nil where it is for all.
    public let key: String?
    /// The name of its first image: the usual one, where it has that.
    private let firstImage: String
    private let emulation: Emulation
    /// The options for a source of entropy, and those that set a clock up to the time; none on boards that have none.
    private let entropy: [String]
    private let clock: String?

    private enum Emulation: Sendable, Hashable {
        case none
        /// The program of qemu-user.
        case program(String)
        /// The program of QEMU, its options for the machine and its flash, those for its network, and those that the image's path
        /// ends; none for the network where it has none.
        case machine(String, [String], network: [String], image: String)
    }

    /// A program of this machine.
    public static let linux = BoardKind(
        name: "linux", title: "linux, a program of this machine", emulation: .none)
    /// A static program for 32-bit ARM with hardware floating point, under qemu-user.
    public static let armhf = BoardKind(
        name: "armhf", title: "linux on 32-bit ARM, emulated", emulation: .program("qemu-arm"))
    /// A static program for 64-bit ARM, under qemu-user.
    public static let arm64 = BoardKind(
        name: "arm64", title: "linux on 64-bit ARM, emulated", emulation: .program("qemu-aarch64"))

    private init(
        name: String, title: String, regions: FlashRegions = .usual, key: String? = nil, firstImage: String = "usual",
        entropy: [String] = [], clock: String? = nil, emulation: Emulation
    ) {
        self.name = name
        self.title = title
        self.regions = regions
        self.key = key
        self.firstImage = firstImage
        self.entropy = entropy
        self.clock = clock
        self.emulation = emulation
    }

    /// A board without an operating system, by its file `board`; nil where that names no machine that emulates it.
    init?(name: String, _ file: BoardFile) throws {
        guard let emulator = file["emulator"]?.split(separator: " ").map(String.init), let program = emulator.first
        else { return nil }
        func options(_ name: String) -> [String] { file[name]?.split(separator: " ").map(String.init) ?? [] }
        self.init(
            name: name, title: "\(name) (\(try file.value("title"))), emulated", regions: try file.regions,
            key: file["key"], firstImage: file.images.last ?? "usual", entropy: options("entropy"),
            clock: file["clock"],
            emulation: .machine(
                program, emulator.dropFirst() + options("storage"), network: options("network"),
                image: file["image"] ?? "-kernel "))
    }

    /// Those of a checkout: the boards without an operating system that it has, by name, then Linux.
    ///
    /// - Throws: ``BoardFileError``, and what reading throws.
    public static func all(in project: URL) throws -> [BoardKind] {
        let folder = project.appending(path: "Boards")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let machines = try names.compactMap { name in
            try BoardFile(of: name, in: project).flatMap { try BoardKind(name: name, $0) }
        }
        return machines + [.linux, .armhf, .arm64]
    }

    /// The boards without an operating system that have an image of that name.
    public static func machines(with image: String, in project: URL) throws -> [BoardKind] {
        try all(in: project).filter {
            try $0.isMachine && BoardFile(of: $0.name, in: project)?.images.contains(image) == true
        }
    }

    public var description: String { name }

    /// Whether it is a whole machine, with a network of its own behind QEMU's router.
    public var isMachine: Bool {
        if case .machine = emulation { true } else { false }
    }

    /// Whether its random generator can be another (``BootOptions/entropy``).
    public var hasEntropy: Bool { !entropy.isEmpty }

    /// Whether it has a clock that runs without power, and whose time can be another (``BootOptions/clock``).
    public var hasClock: Bool { clock != nil }

    /// How the board reaches a server on this machine's loopback interface.
    public var loopback: String { isMachine ? "10.0.2.2" : "127.0.0.1" }

    /// The image that the board starts unless it is told another.
    public var image: BuildProduct { image(firstImage) }

    /// One of the images of a board without an operating system, or a Linux board's program.
    public func image(_ image: String) -> BuildProduct {
        guard isMachine else {
            return BuildProduct(
                "Boards/linux/.build/\(name)/scep-device", from: ["Boards/linux", "Toolchain/toolsets"],
                by: "make linux")
        }
        let target = image == "usual" ? "firmware" : "firmware-\(image)"
        return BuildProduct(
            "Boards/\(name)/.build/\(image)/\(name).elf",
            from: [
                "Boards/\(name)", "Toolchain/board", "Toolchain/firmware", "Toolchain/firmware.ld",
                "Toolchain/firmware-toolset.json", "Toolchain/swiftc-lto", "Toolchain/sources",
            ], by: "make \(target) board=\(name)")
    }

    /// The program that runs `image` as this board in `folder`.
    public func program(image: URL, in folder: URL, options: BootOptions = BootOptions()) -> Program {
        let emulator: String
        var arguments: [String] = []
        switch emulation {
        case .none:
            return Program(executable: image.path, arguments: [], folder: folder, origin: self.image.command)
        case .program(let program):
            emulator = program
            if let port = options.debuggerPort { arguments += ["-g", "\(port)"] }
            arguments.append(image.path)
        case .machine(let program, let machine, let network, let start):
            emulator = program
            arguments += machine + ["-display", "none", "-monitor", "none"]
            arguments += ["-serial", options.uart ?? "stdio"]
            arguments += ["-semihosting-config", "enable=on,target=native"]
            if let address = options.ethernetAddress {
                // The device is what its network's options end with.
                arguments += network.dropLast() + network.suffix(1).map { "\($0),mac=\(address)" }
            } else {
                arguments += options.uart == nil ? network : ["-nic", "none"]
            }
            // The file that random bytes come from is one word of them.
            arguments += entropy.map { word in
                options.entropy.map { word.replacing("/dev/urandom", with: $0) } ?? word
            }
            if let clock, let time = options.clock {
                arguments += (clock + time.formatted(Machine.clockFormat)).split(separator: " ").map(String.init)
            }
            if let shift = options.instructionShift { arguments += ["-icount", "shift=\(shift)"] }
            if let port = options.debuggerPort { arguments += ["-gdb", "tcp:127.0.0.1:\(port)", "-S"] }
            var last = start.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            last[last.count - 1] += image.path
            arguments += last
        }
        var program = Program(
            executable: "/usr/bin/\(emulator)", arguments: arguments, folder: folder, origin: "make setup")
        // QEMU says this of a board's timers at every reset.
        program.noise = ["Timer with period zero, disabling"]
        return program
    }
}

/// How a board is started, beyond what is usual.
public struct BootOptions: Sendable {
    /// Ties the board's time to the instructions that it executes, 2 to this power of nanoseconds each (0 to 10), so that it
    /// takes as long whatever else this machine does. Only while the processor sleeps does time pass as it does here. Emulated
    /// machines only; QEMU's own clock, this machine's, when nil.
    public var instructionShift: Int?
    /// Waits for a debugger on this port of 127.0.0.1 before the first instruction.
    public var debuggerPort: UInt16?
    /// What the board's UART is connected to, in place of what the program writes: a terminal's path, or
    /// `tcp:127.0.0.1:4001,server=on,wait=off` (qemu-system(1), `-serial`). Such a board has no network. Emulated machines
    /// only.
    public var uart: String?
    /// Its Ethernet address, `52:54:00:00:00:01`, which such a board has for a serial number; QEMU's usual one when nil.
    public var ethernetAddress: String?

    /// The file that the random generator of a board that has one takes its bytes from, in place of this machine's.
    public var entropy: String?
    /// What the clock of a board that has one says at power-up, in place of this machine's time.
    public var clock: Date?

    public init(
        instructionShift: Int? = nil, debuggerPort: UInt16? = nil, uart: String? = nil,
        ethernetAddress: String? = nil, entropy: String? = nil, clock: Date? = nil
    ) {
        self.instructionShift = instructionShift
        self.debuggerPort = debuggerPort
        self.uart = uart
        self.ethernetAddress = ethernetAddress
        self.entropy = entropy
        self.clock = clock
    }
}

/// Why a board could not be run to its last line.
public enum BoardError: Error, Sendable, CustomStringConvertible {
    /// The board wrote nothing for all that time.
    case silent(BoardKind, after: Duration)
    /// The board did not come to its last line in time.
    case unfinished(BoardKind, after: Duration, transcript: [Line])
    /// The board stopped without a last line; where in the sources that was, if it said so.
    case crashed(BoardKind, Ending, transcript: [Line], places: [String])

    public var description: String {
        switch self {
        case .silent(let board, let limit):
            """
            \(board) wrote nothing within \(limit.seconds) s; rebuild its firmware (\(board.image.command)), or look at \
            its first instructions with a debugger as CONTRIBUTING.md says
            """
        case .unfinished(let board, let limit, let transcript):
            "\(board) was not through after \(limit.seconds) s. \(ProgramError.last(transcript))"
        case .crashed(let board, let ending, let transcript, let places):
            (["\(board) stopped without a last word: \(ending). \(ProgramError.last(transcript))"] + places)
                .joined(separator: "\n")
        }
    }
}
