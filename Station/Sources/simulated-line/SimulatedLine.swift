import ArgumentParser
import Authority
import AuthorityServer
import Foundation
import VirtualDevice

@main
struct SimulatedLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulated-line",
        abstract: "Show a factory line on this machine: an authority, a station, and the devices at its ports.",
        discussion: """
            Devices that make their own keys come to the ports one after the other; for others the station makes the keys. \
            Exit code 0: every device was verified, or handed over, and the audit trail is whole.
            """)

    @Option(help: "Devices that make their own keys.") var devices = 200
    @Option(help: "Ports that they are plugged into.") var ports = 8
    @Option(help: "Emulated boards, Cortex-M3 without a network, each at a TCP serial server of its own.") var boards =
        0
    @Option(help: "Devices whose keys the station makes.") var hostMade = 50
    @Option(help: "Keeps the station's folder here.") var state: String?
    @Option(parsing: .remaining, help: "What else the station is told, as `--dashboard 8080`.") var station: [String] =
        []

    func run() async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        let server = try await AuthorityServer(try Authority(configuration))
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "simulated-line-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let common = """
            url = \(server.url)
            fingerprint = \(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
            subject = CN={serial},O=Simulated
            key = p256
            challenge = line
            challenge-use = always
            """
        try write(common + "\nkey-origin = device\n", to: folder.appending(path: "sensor.conf"))
        try write(common + "\nkey-origin = station\n", to: folder.appending(path: "part.conf"))
        let own = (0..<devices).map { "SENSOR-\($0)" }
        let made = (0..<hostMade).map { "PART-\($0)" }
        let emulated = try (0..<boards).map { number in
            try EmulatedBoard(number: number, folder: folder, for: server)
        }
        let rows =
            (own + emulated.map(\.serial)).map { "\($0),sensor\n" } + made.map { "\($0),part\n" }
        try write("serial,profile\n" + rows.joined(), to: folder.appending(path: "batch.csv"))

        let terminals = try (0..<ports).map { _ in try PseudoTerminal() }
        let ports = terminals.enumerated().map { "port-\($0)=\($1.path)" } + emulated.map(\.port)
        let process = try start(folder, ports)
        plugIn(own, terminals, folder, url: server.url, common: common)
        let power = Task { await powerUp(emulated) }
        let status = await end(of: process)
        power.cancel()
        await power.value
        showShare()
        let place = state ?? folder.appending(path: "station").path
        let checks = try await [["status", "--state", place], ["audit", "verify", "--state", place]].asyncMap {
            arguments in
            await end(of: try Self.run(arguments))
        }
        await server.stop()
        guard status == 0, checks == [0, 0] else { throw ExitCode.failure }
    }

    /// Switches the boards on; each is off again when the station has had enough of it.
    private func powerUp(_ boards: [EmulatedBoard]) async {
        await withTaskGroup { group in
            for board in boards {
                group.addTask {
                    do {
                        try await board.run()
                    } catch is CancellationError {
                        // The station has ended.
                    } catch {
                        print("\(board.serial): \(error)")
                    }
                }
            }
        }
    }

    /// What the station took of the processors so far, beside what devices and CA took, which are this process.
    private func showShare() {
        func seconds(_ who: __rusage_who) -> Double {
            var usage = rusage()
            getrusage(__rusage_who_t(who.rawValue), &usage)
            return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        }
        // Emulated boards are children, too.
        guard boards == 0 else { return }
        let (station, rest) = (seconds(RUSAGE_CHILDREN), seconds(RUSAGE_SELF))
        print(
            String(
                format: "processor time: station %.2f s, devices and CA %.2f s: the station's part is %.0f %%", station,
                rest,
                100 * station / (station + rest)))
    }

    private func start(_ folder: URL, _ ports: [String]) throws -> Process {
        try Self.run(
            [
                "run", folder.appending(path: "batch.csv").path, "--profiles", folder.path, "--state",
                state ?? folder.appending(path: "station").path, "--station", "line-1",
            ] + ports.flatMap { ["--port", $0] } + station)
    }

    /// Has the devices come to the ports, one after the other at each.
    private func plugIn(_ serials: [String], _ terminals: [PseudoTerminal], _ folder: URL, url: String, common: String)
    {
        let lines = common.split(separator: "\n").map { $0.replacing(" = ", with: "=") }
        for (number, terminal) in terminals.enumerated() {
            let mine = stride(from: number, to: serials.count, by: terminals.count).map { serials[$0] }
            let thread = Thread {
                for serial in mine {
                    let place = folder.appending(path: serial)
                    try? FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                    let text = lines.map { $0.replacing("{serial}", with: serial) + "\n" }.joined()
                    _ = VirtualDevice(
                        serial: serial, folder: place, configuration: text, descriptor: terminal.descriptor
                    ).run(patience: 120)
                }
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    private static func run(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "scep-station")
        process.arguments = arguments
        try process.run()
        return process
    }

    private func end(of process: Process) async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                process.waitUntilExit()
                continuation.resume(returning: process.terminationStatus)
            }
        }
    }

    private func write(_ text: String, to file: URL) throws {
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
