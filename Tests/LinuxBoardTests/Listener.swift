import Foundation

/// A socket that listens on this machine.
struct Listener {
    struct Failure: Error {
        let number = errno
    }

    let descriptor: Int32
    let port: UInt16
    private let address: sockaddr_in

    /// Sockets that have the port at other addresses.
    private(set) var others: [Listener] = []

    /// Listens at a port that it keeps for itself at other addresses too: whoever connects there is refused.
    init(_ host: String, refusingAt hosts: [String]) throws {
        var listener = try Listener(host)
        while true {
            let port = listener.port
            listener.others = hosts.compactMap { try? Listener($0, port: port, backlog: nil) }
            if listener.others.count == hosts.count { break }
            // Somebody else has it there.
            listener.close()
            listener = try Listener(host)
        }
        self = listener
    }

    /// - Parameters:
    ///   - port: 0 for any.
    ///   - backlog: nil for one that does not listen.
    init(_ host: String, port: UInt16 = 0, backlog: Int32? = 16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = descriptor
        let isBound = withUnsafeMutableBytes(of: &address) { bytes in
            guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return bind(socket, address, size) == 0 && backlog.map { listen(socket, $0) == 0 } ?? true
                && getsockname(socket, address, &size) == 0
        }
        guard isBound else {
            let failure = Failure()
            Foundation.close(descriptor)
            throw failure
        }
        self.address = address
        self.port = UInt16(bigEndian: address.sin_port)
    }

    /// Waits for a connection, and takes it.
    func accept() -> Int32 { Foundation.accept(descriptor, nil, nil) }

    func close() {
        for other in others { other.close() }
        Foundation.close(descriptor)
    }

    /// Connects until whoever comes next gets no answer: with a backlog of 0 the system keeps one that nobody takes, and
    /// drops the others' requests (listen(2)).
    ///
    /// - Returns: sockets to close.
    func fill() -> [Int32] {
        (0..<4).map { _ in
            let client = socket(
                AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            var address = address
            withUnsafeBytes(of: &address) { bytes in
                guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
                _ = connect(client, address, socklen_t(bytes.count))
            }
            return client
        }
    }
}
