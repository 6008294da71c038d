import Foundation

/// Both ends of a line.
public final class PseudoTerminal: Sendable {
    public let station: Int32
    public let device: Int32
    /// The device's end, for a program to open.
    public let path: String

    public struct Unavailable: Error {}

    public init() throws {
        station = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
        // TIOCSPTLCK and TIOCGPTN (tty_ioctl(4), ioctl_tty(2)): unlock the other end, and say which it is.
        var (isLocked, number): (Int32, Int32) = (0, 0)
        guard station >= 0, ioctl(station, 0x4004_5431, &isLocked) == 0, ioctl(station, 0x8004_5430, &number) == 0
        else { throw Unavailable() }
        path = "/dev/pts/\(number)"
        device = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)
        guard device >= 0 else { throw Unavailable() }
        var settings = termios()
        tcgetattr(device, &settings)
        cfmakeraw(&settings)
        tcsetattr(device, TCSANOW, &settings)
    }

    deinit {
        close(station)
        close(device)
    }
}
