import Agent
import CBareMetal

/// Lines on the board's console.
public struct Console: AgentLog, ~Copyable {
    public init() {}

    public func write(line: Span<UInt8>) {
        for index in line.indices { boardPut(line[index]) }
        boardPut(0x0D)
        boardPut(0x0A)
    }
}
