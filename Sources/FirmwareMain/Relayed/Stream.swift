import Agent
import BareMetal
import Board
import Bytes
import DeviceCrypto
import Relay

/// What the device talks to its CA over, and where it writes its lines: the console's port, to a factory's station.
typealias Stream = RelayTransport<UARTPort, Uptime>
typealias DeviceLog = RelayLog<UARTPort, Uptime>

nonisolated(unsafe) private var relay = RelayDevice(
    UARTPort(), clock: Uptime(), serial: serialNumber().span, session: 0)

/// The Ethernet address in hexadecimal, as on the label.
private func serialNumber() -> InlineArray<12, UInt8> {
    let address = deviceAddress()
    let digits = span(of: "0123456789abcdef")
    var text = InlineArray<12, UInt8>(repeating: 0)
    for index in 0..<6 {
        text[2 &* index] = digits[Int(address[index] >> 4)]
        text[2 &* index &+ 1] = digits[Int(address[index] & 15)]
    }
    return text
}

func makeLog() -> DeviceLog {
    unsafe withUnsafeMutablePointer(to: &relay) { unsafe RelayLog($0) }
}

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream {
    unsafe withUnsafeMutablePointer(to: &relay) { unsafe RelayTransport($0) }
}

/// Waits for the station, for as long as somebody takes to plug the device in.
func startNetwork(_ random: inout RandomGenerator, _ log: inout DeviceLog) throws(AgentError) {
    var bytes = InlineArray<8, UInt8>(repeating: 0)
    var buffer = bytes.mutableSpan
    do throws(CryptoError) {
        try random.fill(&buffer)
    } catch {
        throw .entropy(.failed)
    }
    let session = widened(littleEndian(buffer.span, at: 4)) &<< 32 | widened(littleEndian(buffer.span, at: 0))
    unsafe relay.begin(session: session)
    _ = unsafe relay.greet(deadline: Uptime().uptime &+ 60_000)
}

/// Answers the station, until it has had enough or is gone.
///
/// - Returns: whether it wants another run.
@inline(never)
func isWantedAgain<Flash: Storage & ~Copyable, DeviceClock: Clock & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: borrowing DeviceClock, _ work: inout MutableSpan<UInt8>
) -> Bool {
    guard let identity = flash(.identity) else { return false }
    var store = makeStore(identity)
    return unsafe relay.serve(&store, work: &work, deadline: clock.uptime &+ 60_000) == .run
}
