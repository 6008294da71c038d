import Agent
import LinuxBoard

/// Runs the program.
///
/// - Parameters: as C's `main` has them.
/// - Returns: the exit code.
@unsafe public func run(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
    Process.protect()
    return 0
}
