import ArgumentParser
import AuthorityServer
import CommandOutput
import Emulator
import FaultProxy
import Foundation
import LibCrypto

@main
struct BenchAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-authority",
        abstract: "How many certificates for P-256 keys scep-authority issues in a second, with its register on disk.",
        discussion: """
            Each device has a one-time password, and asks over a connection of its own. What it sends is made before, \
            and what it gets is checked after, with the clock stopped. In the end the authority is killed and started \
            again, and has to know all that it issued. Exit code 0: all was right, and one more certificate costs as \
            many bytes written at the end as at the beginning.
            """)

    @Option(help: "How many certificates.")
    var count = 2000

    @Option(help: "How many devices ask at once.")
    var clients = 4

    @Option(help: "Where a folder for the register is made; the system's folder for temporary files if it is left out.")
    var directory: String?

    @Option(help: "Fail below so many a second, and if the last tenth's rate is below 0.8 of the first's.")
    var least: Double?

    func validate() throws {
        guard count >= 20 else { throw ValidationError("--count takes a number from 20 on") }
        guard clients > 0 else { throw ValidationError("--clients takes a number above 0") }
    }

    func run() async throws {
        let place = directory.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory
        let folder = place.appending(path: "bench-authority-\(UUID().uuidString)").absoluteURL
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let passwords = folder.appending(path: "passwords")
        let lines = (0..<count).map { "\(Device.name($0)) \(Device.password($0))\n" }
        try Data(lines.joined().utf8).write(to: passwords)
        // It says a line for each request, which nobody reads here.
        let authority = Program(
            executable: "/bin/sh",
            arguments: [
                "-c", "exec \"$0\" \"$@\" 2>/dev/null",
                URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "scep-authority")
                    .path,
                "--json", "--directory", folder.appending(path: "ca").path, "--one-time-passwords", passwords.path,
            ], folder: folder, origin: "Debian's package dash")
        let register = folder.appending(path: "ca/register.log")
        let figures = try await authority.run(timeLimit: .seconds(24 * 3600)) { [self] running in
            let ready = try await Ready(running)
            return try await measure(ready, Resources(process: running.processID, register: register))
        }.value
        let start = ContinuousClock.now
        let known = try await authority.run(timeLimit: .seconds(3600)) { [self] running in
            let ready = try await Ready(running)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try await check(figures.sample, ready)
            let list = try await AdministrationClient(port: ready.adminPort).send("GET", path: ["certificates"])
            return (seconds: seconds, count: try JSONDecoder().decode([Issued].self, from: Data(list.utf8)).count)
        }.value
        say("killed, and started again in \(fixed(known.seconds, 1)) s: it knows \(known.count) certificates")
        guard known.count == count else { throw Wrong("it issued \(count) certificates, and knows \(known.count)") }
        try checkRates(figures.tenths)
    }

    private struct Issued: Decodable {}

    private func measure(
        _ ready: Ready, _ resources: Resources
    ) async throws -> (tenths: [Tenth], sample: [(Device, Certificate)]) {
        let recipient = try ready.recipient()
        var tenths: [Tenth] = []
        var sample: [(Device, Certificate)] = []
        var preparation = Duration.zero
        say("certificates  a second  CPU ms each  bytes written each  register, bytes each")
        for number in 0..<10 {
            let numbers = Array(count * number / 10..<count * (number + 1) / 10)
            var start = ContinuousClock.now
            let devices = try await concurrently(numbers, on: ProcessInfo.processInfo.activeProcessorCount) {
                try Device($0, recipient)
            }
            preparation += ContinuousClock.now - start
            let before = try resources.now()
            start = ContinuousClock.now
            let replies = try await concurrently(devices, on: clients) { try $0.ask(ready.port) }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let tenth = Tenth(count: numbers.count, seconds: seconds, used: try resources.now() - before)
            tenths.append(tenth)
            say(tenth.description)
            let issued = try await concurrently(
                Array(zip(devices, replies)), on: ProcessInfo.processInfo.activeProcessorCount
            ) { try $0.0.certificate(in: $0.1) }
            guard Set(issued.map(\.serialText)).count == issued.count else { throw Wrong("a serial number came twice") }
            sample += zip(devices, issued).prefix(10)
        }
        let (seconds, used) = (tenths.map(\.seconds).reduce(0, +), try resources.now())
        say(
            "\(count) certificates in \(fixed(seconds, 1)) s, \(clients) devices at once: "
                + "\(fixed(Double(count) / seconds, 0)) a second")
        say(
            "authority: \(fixed(used.processor, 1)) s of CPU, \(used.memory / 1024) MiB at most, register "
                + "\(used.register / 1024) KiB; making the requests took \(fixed(preparation / .seconds(1), 1)) s")
        return (tenths, sample)
    }

    /// A repeated request gets the certificate that it got.
    private func check(_ sample: [(Device, Certificate)], _ ready: Ready) async throws {
        for (device, certificate) in sample {
            guard try device.certificate(in: device.ask(ready.port)) == certificate else {
                throw Wrong("\(device.name) asked again and got another certificate")
            }
        }
    }

    private func checkRates(_ tenths: [Tenth]) throws {
        guard let first = tenths.first, let last = tenths.last else { return }
        guard last.bytesWritten <= 1.1 * first.bytesWritten else {
            throw Wrong("the last tenth wrote \(fixed(last.bytesWritten / first.bytesWritten, 2)) of the first's bytes")
        }
        let ratio = last.rate / first.rate
        say("the last tenth's rate is \(fixed(ratio, 2)) of the first's")
        guard let least else { return }
        let rate = Double(count) / tenths.map(\.seconds).reduce(0, +)
        guard rate >= least, ratio >= 0.8 else { throw Wrong("that is too slow") }
    }
}

/// What must not be, and was.
struct Wrong: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = "bench-authority: \(description)"
    }
}

/// The measure of a tenth of all certificates.
struct Tenth: CustomStringConvertible {
    let count: Int
    let seconds: Double
    let used: Resources.Usage

    var rate: Double { Double(count) / seconds }
    /// For a certificate: to files, and to the network.
    var bytesWritten: Double { Double(used.written) / Double(count) }

    var description: String {
        let numbers = [
            "\(count)", fixed(rate, 0), fixed(used.processor * 1000 / Double(count), 2), fixed(bytesWritten, 0),
            fixed(Double(used.register) / Double(count), 0),
        ]
        return zip(numbers, [12, 8, 11, 18, 20]).map { number, width in
            String(repeating: " ", count: max(width - number.count, 0)) + number
        }.joined(separator: "  ")
    }
}

/// With so many decimals.
func fixed(_ number: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", number) }

/// What `body` makes of each value, in their order, made by `count` threads that may block.
func concurrently<Value: Sendable, Result: Sendable>(
    _ values: [Value], on count: Int, _ body: @escaping @Sendable (Value) throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
        for first in 0..<count {
            group.addTask {
                try await withCheckedThrowingContinuation { end in
                    Thread {
                        let own = stride(from: first, to: values.count, by: count)
                        end.resume(with: Swift.Result { try own.map { ($0, try body(values[$0])) } })
                    }.start()
                }
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
