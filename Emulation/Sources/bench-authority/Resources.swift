import Foundation

/// What a process has used, as Linux tells in /proc.
struct Resources: Sendable {
    struct Usage: Sendable {
        /// Seconds.
        var processor: Double
        /// Bytes that were given to write, to files and to sockets.
        var written: Int
        /// Resident memory at its most, in KiB.
        var memory: Int
        /// Size of the register, in bytes.
        var register: Int

        static func - (one: Usage, other: Usage) -> Usage {
            Usage(
                processor: one.processor - other.processor, written: one.written - other.written, memory: one.memory,
                register: one.register - other.register)
        }
    }

    let process: Int32
    let register: URL

    func now() throws -> Usage {
        // The name, in brackets, may hold anything; state is the first field behind it.
        let fields = try read("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw Wrong("/proc/\(process)/stat is not as expected")
        }
        let size = try FileManager.default.attributesOfItem(atPath: register.path)[.size] as? Int
        return Usage(
            processor: Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK))), written: try number("wchar", "io"),
            memory: try number("VmHWM", "status"), register: size ?? 0)
    }

    private func read(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/\(process)/\(file)", encoding: .utf8)
    }

    private func number(_ name: String, _ file: String) throws -> Int {
        let line = try read(file).split(separator: "\n").first { $0.hasPrefix("\(name):") }
        guard let text = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first,
            let number = Int(text)
        else { throw Wrong("/proc/\(process)/\(file) does not tell \(name)") }
        return number
    }
}
