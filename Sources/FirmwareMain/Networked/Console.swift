import Agent
import BareMetal
import Board
import Bytes
import DeviceCrypto
import LwIPNet

/// Where the board writes its lines.
typealias DeviceLog = Console

func makeLog() -> DeviceLog { Console() }

/// Brings the network up.
func startNetwork(_ random: inout RandomGenerator, _ log: inout DeviceLog) throws(AgentError) {
    var line = Line()
    line.append("asking for an address")
    log.write(line: line.span)
    var bytes = InlineArray<4, UInt8>(repeating: 0)
    var buffer = bytes.mutableSpan
    do throws(CryptoError) {
        try random.fill(&buffer)
    } catch {
        throw .entropy(.failed)
    }
    Network.start(seed: littleEndian(buffer.span, at: 0))
}

/// - Returns: whether somebody wants another run: nobody who could is there.
func isWantedAgain<Flash: Storage & ~Copyable, DeviceClock: Clock & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: borrowing DeviceClock, _ work: inout MutableSpan<UInt8>
) -> Bool { false }
