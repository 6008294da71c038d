import Board
import CLinux

/// One address and port to connect to.
struct Address: BitwiseCopyable {
    fileprivate var storage = sockaddr_storage()
    fileprivate var size: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// As connect(2).
    func connect(_ descriptor: Int32) -> Int32 {
        var storage = storage
        return unsafe linux_connect(descriptor, &storage, size)
    }
}

/// What a host's name stands for.
struct Addresses: BitwiseCopyable {
    /// Those that a device tries at most.
    private static var limit: Int { 4 }

    fileprivate(set) var list = InlineArray<4, Address>(repeating: Address())
    fileprivate(set) var count = 0
    /// As getaddrinfo(3).
    fileprivate var status: Int32 = 0

    fileprivate init() {}

    /// Asks the system.
    ///
    /// - Parameters:
    ///   - host: ends in a zero byte.
    ///   - flags: such as `AI_NUMERICHOST`, with which this takes no time.
    fileprivate init(_ host: Span<CChar>, _ port: UInt16, flags: Int32) {
        var hints = unsafe linux_tcp_hints(flags)
        var found: UnsafeMutablePointer<addrinfo>?
        status = unsafe host.withUnsafeBufferPointer { unsafe getaddrinfo($0.baseAddress, nil, &hints, &found) }
        guard status == 0 else { return }
        var next = unsafe found
        while let entry = unsafe next?.pointee, count < Self.limit {
            unsafe append(entry, port)
            unsafe next = entry.ai_next
        }
        unsafe freeaddrinfo(found)
    }

    @unsafe private mutating func append(_ entry: addrinfo, _ port: UInt16) {
        guard let source = unsafe entry.ai_addr, unsafe entry.ai_family == AF_INET || entry.ai_family == AF_INET6 else {
            return
        }
        var address = Address()
        unsafe address.size = entry.ai_addrlen
        unsafe withUnsafeMutableBytes(of: &address.storage) { target in
            unsafe target.copyMemory(
                from: UnsafeRawBufferPointer(start: source, count: min(target.count, Int(entry.ai_addrlen))))
            // The port stands behind the family in both kinds of address, in network byte order.
            unsafe target.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        list[count] = address
        count &+= 1
    }
}

/// Finds the addresses of a host.
enum Resolver {
    /// The longest name in DNS (RFC 1035, section 2.3.4), and the zero byte behind it.
    private typealias Name = InlineArray<256, CChar>

    static func resolve(
        _ host: Span<UInt8>, _ port: UInt16, clock: SystemClock, deadline: UInt64
    ) throws(TransportError) -> Addresses {
        var name = Name(repeating: 0)
        guard host.count > 0, host.count < name.count else { throw .nameUnknown }
        for index in host.indices {
            guard host[index] != 0 else { throw .nameUnknown }
            name[index] = CChar(bitPattern: host[index])
        }
        let numeric = Addresses(name.span, port, flags: AI_NUMERICHOST)
        let addresses = numeric.status == EAI_NONAME ? try ask(name.span, port, clock, deadline) : numeric
        if let error = TransportError(resolving: addresses.status) { throw error }
        guard addresses.count > 0 else { throw .nameUnknown }
        return addresses
    }

    /// Asks in a process of its own, since getaddrinfo knows no deadline and cannot be stopped.
    private static func ask(
        _ name: Span<CChar>, _ port: UInt16, _ clock: SystemClock, _ deadline: UInt64
    ) throws(TransportError) -> Addresses {
        var ends = InlineArray<2, Int32>(repeating: -1)
        var endsSpan = ends.mutableSpan
        guard unsafe endsSpan.withUnsafeMutableBufferPointer({ unsafe linux_pipe($0.baseAddress) }) == 0 else {
            throw .exhausted
        }
        let (reading, writing) = (endsSpan[0], endsSpan[1])
        defer { _ = close(reading) }
        let helper = linux_fork()
        if helper == 0 {
            _ = linux_end_with_parent()
            var answer = Addresses(name, port, flags: 0)
            // In one piece, since it is shorter than PIPE_BUF.
            _ = unsafe write(writing, &answer, MemoryLayout<Addresses>.size)
            _exit(0)
        }
        _ = close(writing)
        guard helper > 0 else { throw .exhausted }
        defer {
            _ = kill(helper, SIGKILL)
            while waitpid(helper, nil, 0) < 0, linux_errno() == EINTR {}
        }
        guard waitUntilReady(reading, POLLIN, clock: clock, deadline: deadline) else { throw .timedOut }
        var answer = Addresses()
        guard unsafe read(reading, &answer, MemoryLayout<Addresses>.size) == MemoryLayout<Addresses>.size else {
            throw .nameUnresolved
        }
        return answer
    }
}

extension TransportError {
    /// What a status of getaddrinfo(3) means; nil if there are addresses.
    ///
    /// Only NXDOMAIN and a name without an address are said of a name. SERVFAIL and silence are EAI_AGAIN in glibc and musl
    /// alike, a refusal is EAI_FAIL in musl, and what the system lacks, EAI_SYSTEM.
    init?(resolving status: Int32) {
        switch status {
        case 0: return nil
        case EAI_MEMORY: self = .exhausted
        case EAI_AGAIN, EAI_FAIL, EAI_SYSTEM: self = .nameUnresolved
        default: self = .nameUnknown
        }
    }
}
