import Agent
import Board
import Bytes
import DeviceCrypto
import Relay

/// What the device talks to its CA over, and where it writes its lines: UART0, to a factory's station.
typealias Stream = RelayTransport<UARTPort, SysTick>
typealias Console = RelayLog<UARTPort, SysTick>

/// mbedTLS's memory, enough for an RSA-2048 private operation.
typealias ArenaMemory = InlineArray<10_240, UInt8>

nonisolated(unsafe) private var relay = RelayDevice(
    UARTPort(), clock: SysTick(), serial: serialNumber().span, session: 0)

/// The Ethernet address in hexadecimal, as on the label.
private func serialNumber() -> InlineArray<12, UInt8> {
    let address = SystemControl.ethernetAddress
    let digits = span(of: "0123456789abcdef")
    var text = InlineArray<12, UInt8>(repeating: 0)
    for index in 0..<6 {
        text[2 &* index] = digits[Int(address[index] >> 4)]
        text[2 &* index &+ 1] = digits[Int(address[index] & 15)]
    }
    return text
}

func makeConsole() -> Console {
    unsafe withUnsafeMutablePointer(to: &relay) { unsafe RelayLog($0) }
}

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream {
    unsafe withUnsafeMutablePointer(to: &relay) { unsafe RelayTransport($0) }
}

/// Waits for the station, for as long as somebody takes to plug the device in.
func startNetwork(_ random: inout RandomGenerator, _ log: inout Console) throws(AgentError) {
    var bytes = InlineArray<8, UInt8>(repeating: 0)
    var buffer = bytes.mutableSpan
    do throws(CryptoError) {
        try random.fill(&buffer)
    } catch {
        throw .entropy(.failed)
    }
    let session = widened(littleEndian(buffer.span, at: 4)) &<< 32 | widened(littleEndian(buffer.span, at: 0))
    unsafe relay.begin(session: session)
    _ = unsafe relay.greet(deadline: SysTick.uptime &+ 60_000)
}

/// Answers the station, until it has had enough or is gone.
///
/// - Returns: whether it wants another run.
func isWantedAgain(_ clock: borrowing SysTick, _ work: inout MutableSpan<UInt8>) -> Bool {
    guard let file = Flash.open() else { return false }
    let identity = NORFlash(file, origin: FlashLayout.identityOrigin, geometry: FlashLayout.identity)
    var store = IdentityStore(
        NORSnapshots<NORFlash<Semihosting.File>, 256>(
            identity, capacity: Agent<SoftwareKey, 3_072>.snapshotCapacity))
    return unsafe relay.serve(&store, work: &work, deadline: clock.uptime &+ 60_000) == .run
}
