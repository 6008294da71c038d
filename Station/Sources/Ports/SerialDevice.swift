import Foundation

/// An open line to a device: a serial port, a pseudo-terminal, or a connection to a serial server. Nothing of it waits.
struct SerialDevice: ~Copyable {
    let descriptor: Int32
    private let isConnection: Bool

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Opens it.
    ///
    /// - Throws: ``Failure``: what the system says.
    init(_ address: PortAddress) throws(Failure) {
        switch address.kind {
        case .serial(let path, let settings):
            descriptor = try Self.open(path, settings)
            isConnection = false
        case .tcp(let host, let port):
            descriptor = try Self.connect(host, port)
            isConnection = true
        }
    }

    deinit { close(descriptor) }

    /// Bytes that are there.
    ///
    /// - Returns: nil when the line is gone: unplugged, or closed by its server.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count > 0 { return Array(buffer.prefix(count)) }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? [] : nil
    }

    /// - Returns: how many bytes were taken; nil when the line is gone.
    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty else { return 0 }
        let count = bytes.withUnsafeBytes {
            // A server that is gone is told, and ends no process.
            isConnection
                ? Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                : Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// Baud rates that Linux names, by number.
    static let speeds: [Int: speed_t] = [
        9_600: speed_t(B9600), 19_200: speed_t(B19200), 38_400: speed_t(B38400), 57_600: speed_t(B57600),
        115_200: speed_t(B115200), 230_400: speed_t(B230400), 460_800: speed_t(B460800), 921_600: speed_t(B921600),
        1_000_000: speed_t(B1000000), 2_000_000: speed_t(B2000000), 3_000_000: speed_t(B3000000),
    ]

    private static func open(_ path: String, _ settings: PortAddress.Settings) throws(Failure) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        var line = termios()
        guard tcgetattr(descriptor, &line) == 0 else {
            Glibc.close(descriptor)
            throw Failure(description: "\(path) is no serial port")
        }
        cfmakeraw(&line)
        line.c_cflag &= ~tcflag_t(CSTOPB | PARENB | PARODD) & ~tcflag_t(CRTSCTS)
        line.c_cflag |= tcflag_t(CLOCAL | CREAD)
        if settings.stopBits == 2 { line.c_cflag |= tcflag_t(CSTOPB) }
        switch settings.parity {
        case .none: break
        case .even: line.c_cflag |= tcflag_t(PARENB)
        case .odd: line.c_cflag |= tcflag_t(PARENB | PARODD)
        }
        if let speed = speeds[settings.baud] { cfsetspeed(&line, speed) }
        // Nobody else opens it meanwhile; a pseudo-terminal may not know that.
        _ = ioctl(descriptor, UInt(TIOCEXCL))
        guard tcsetattr(descriptor, TCSANOW, &line) == 0 else {
            Glibc.close(descriptor)
            throw failure(path)
        }
        tcflush(descriptor, TCIOFLUSH)
        return descriptor
    }

    private static func connect(_ host: String, _ port: UInt16) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let first = list else {
            throw Failure(description: "\(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(host) }
        // A serial server that is away is tried again soon.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
        guard Glibc.connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            let failure = failure("\(host):\(port)")
            Glibc.close(descriptor)
            throw failure
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
    }

    private static func failure(_ place: String) -> Failure {
        Failure(description: "\(place): \(String(cString: strerror(errno)))")
    }
}
