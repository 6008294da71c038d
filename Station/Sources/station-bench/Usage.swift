import Foundation

/// Time that a process took.
struct Usage {
    var cpu: Double
    var clock: Double

    static var ofThisProcess: Usage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Usage(
            cpu: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
            clock: ProcessInfo.processInfo.systemUptime)
    }

    static func - (left: Usage, right: Usage) -> Usage {
        Usage(cpu: left.cpu - right.cpu, clock: left.clock - right.clock)
    }

    var seconds: String { String(format: "%.2f", cpu) }
    var wall: String { String(format: "%.2f", clock) }

    static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// Of another process, while it runs: seconds of processor time.
    static func of(process: Int32) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        // utime and stime: proc(5), fields 14 and 15.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
