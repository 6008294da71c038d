import Foundation

/// Both ends of a line: the device's is open here, the station opens the other by its path.
public final class PseudoTerminal: Sendable {
    /// The device's end.
    public let descriptor: Int32
    /// What the station opens.
    public let path: String

    public struct Unavailable: Error {}

    public init() throws {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), for which glibc has functions that Swift does not import: unlock the other
        // end, and say which it is.
        var (isLocked, number): (Int32, Int32) = (0, 0)
        guard descriptor >= 0, ioctl(descriptor, 0x4004_5431, &isLocked) == 0,
            ioctl(descriptor, 0x8004_5430, &number) == 0
        else { throw Unavailable() }
        path = "/dev/pts/\(number)"
    }

    deinit { close(descriptor) }
}
