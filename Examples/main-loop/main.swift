// A device with a main loop of its own: `main-loop CONFIGURATION FOLDER`.
//
// CONFIGURATION is a file of lines `name=value`; the identity is kept in FOLDER. Exit code 0: the certificate is there, and
// nothing is due; 1: an error, which the last line has.
import Agent
import Bytes
import Foundation
import LinuxBoard

nonisolated(unsafe) private var timesFed = 0

/// What a device with a watchdog does now and then, and what the agent does in its place while it computes.
func feedWatchdog() { unsafe timesFed += 1 }

/// - Returns: the exit code.
private func look(
    after device: inout Device, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>
) -> Int32 {
    do throws(AgentError) {
        try device.start(configuration, &work)
        // All else that a device does has its place between two turns.
        while let milliseconds = try device.turn(configuration, &work) {
            feedWatchdog()
            if milliseconds > 0 { Thread.sleep(forTimeInterval: TimeInterval(milliseconds) / 1000) }
        }
        return 0
    } catch {
        device.end(error, configuration, work)
        return 1
    }
}

private func main() -> Int32 {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let text = FileManager.default.contents(atPath: arguments[1]),
        FileManager.default.changeCurrentDirectoryPath(arguments[2]),
        let folder = Descriptor(".", O_RDONLY | O_DIRECTORY)
    else {
        print("main-loop CONFIGURATION FOLDER")
        return 2
    }
    // What the agent is lent for as long as it runs: the text of its configuration, and space for the largest message.
    let bytes = [UInt8](text)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    do {
        let configuration = try Configuration(bytes.span)
        var work = buffer.mutableSpan
        var device = try Device(folder: IdentityFolder.open(in: folder))
        let status = look(after: &device, configuration, &work)
        print("the watchdog was fed \(unsafe timesFed) times")
        return status
    } catch {
        print("main-loop: \(error)")
        return 1
    }
}

exit(main())
