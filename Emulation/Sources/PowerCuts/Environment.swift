import Agent
import Board

/// The clock of a machine.
struct MachineClock<P: Part>: Board.Clock {
    let machine: Machine<P>

    var uptime: UInt64 { machine.uptime }
    var time: Int64? { machine.hasClock ? Int64(machine.now / 1000) : nil }

    func sleep(milliseconds: UInt64) { machine.sleep(milliseconds: milliseconds) }
}

/// The console of a machine.
struct MachineLog<P: Part>: AgentLog {
    let machine: Machine<P>

    func write(line: Span<UInt8>) {
        guard machine.isVerbose else { return }
        var bytes: [UInt8] = []
        for index in line.indices { bytes.append(line[index]) }
        machine.write(String(decoding: bytes, as: UTF8.self))
    }
}
