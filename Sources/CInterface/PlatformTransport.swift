import Board
import CSCEP
import HTTP

/// The caller's byte stream. Whether it secures an `https` URL is the caller's to say, each time.
struct PlatformTransport: Transport {
    static var isSecuring: Bool { true }

    private let transport: UnsafePointer<scep_transport>

    init(_ transport: UnsafePointer<scep_transport>) { self.transport = transport }

    static func isUsable(_ transport: UnsafePointer<scep_transport>) -> Bool {
        let value = transport.pointee
        return value.connect != nil && value.send != nil && value.receive != nil && value.close != nil
    }

    mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        try connect(url.host, url.port, isHTTPS: url.scheme == .https, deadline)
    }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        try connect(host, port, isHTTPS: false, deadline)
    }

    private func connect(
        _ host: Span<UInt8>, _ port: UInt16, isHTTPS: Bool, _ deadline: UInt64
    ) throws(TransportError) {
        // As long as a name in DNS may be (RFC 1035, section 2.3.4), and a 0.
        var name = InlineArray<256, UInt8>(repeating: 0)
        guard host.count < name.count else { throw .nameUnknown }
        for index in host.indices { name[index] = host[index] }
        let status = name.span.withUnsafeBytes { name in
            transport.pointee.connect(
                transport.pointee.context, name.baseAddress?.assumingMemoryBound(to: CChar.self), port,
                isHTTPS ? 1 : 0, deadline)
        }
        guard status == 0 else { throw TransportError(reason: status) }
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        let status = bytes.withUnsafeBufferPointer { bytes in
            transport.pointee.send(transport.pointee.context, bytes.baseAddress, bytes.count, deadline)
        }
        guard status == 0 else { throw TransportError(reason: status) }
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        let count = buffer.withUnsafeMutableBufferPointer { bytes in
            Int(transport.pointee.receive(transport.pointee.context, bytes.baseAddress, bytes.count, deadline))
        }
        guard count >= 0 else { throw TransportError(reason: Int32(truncatingIfNeeded: count)) }
        return count
    }

    mutating func close() { transport.pointee.close(transport.pointee.context) }
}

extension TransportError {
    /// - Parameter reason: what a caller's function returned.
    init(reason: Int32) {
        switch Int(reason) {
        case SCEP_NO_ADDRESS: self = .noAddress
        case SCEP_NAME_UNKNOWN: self = .nameUnknown
        case SCEP_CONNECTION_REFUSED: self = .refused
        case SCEP_UNREACHABLE: self = .unreachable
        case SCEP_TIMED_OUT: self = .timedOut
        case SCEP_EXHAUSTED: self = .exhausted
        default: self = .reset
        }
    }
}
