import CSCEP
import Foundation
import LinuxBoard
import Board

/// A transport's table over a socket of ``LinuxBoard/TCP``, or one that misbehaves.
final class CTransport {
    fileprivate var tcp = TCP(clock: SystemClock())
    /// What receive returns in place of what it did.
    var receives: Int32?
    /// What connect returns in place of connecting.
    var connects: Int32?
    private(set) var hosts: [String] = []

    private static func transport(_ context: UnsafeMutableRawPointer?) -> CTransport {
        Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }

    private static func reason(_ error: TransportError) -> Int32 {
        let reason =
            switch error {
            case .refused: SCEP_CONNECTION_REFUSED
            case .timedOut: SCEP_TIMED_OUT
            default: SCEP_RESET
            }
        return Int32(reason)
    }

    var table: scep_transport {
        var table = scep_transport()
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.connect = { context, host, port, isHTTPS, deadline in
            let transport = CTransport.transport(context)
            let name = String(cString: host.unsafelyUnwrapped)
            transport.hosts.append(name)
            if let status = transport.connects { return status }
            let bytes = Array(name.utf8)
            do throws(TransportError) {
                try transport.tcp.connect(host: bytes.span, port: port, deadline: deadline)
            } catch {
                return CTransport.reason(error)
            }
            return 0
        }
        table.send = { context, bytes, size, deadline in
            let span = Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: size))
            do throws(TransportError) {
                try CTransport.transport(context).tcp.send(span, deadline: deadline)
            } catch {
                return CTransport.reason(error)
            }
            return 0
        }
        table.receive = { context, bytes, size, deadline in
            let transport = CTransport.transport(context)
            if let count = transport.receives { return count }
            var span = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: size))
            do throws(TransportError) {
                return Int32(try transport.tcp.receive(into: &span, deadline: deadline))
            } catch {
                return CTransport.reason(error)
            }
        }
        table.close = { context in CTransport.transport(context).tcp.close() }
        return table
    }

    func attend(_ device: CDevice) -> scep_status {
        var table = table
        return scep_attend(device.agent, &table)
    }
}
