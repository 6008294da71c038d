import Foundation
import Ledger
import Line
import StationSupport
import Testing
import VirtualDevice

@testable import Ports

@Suite("A serial server that drops its connection")
struct PortReconnectTests {
    /// The device stays powered, and its session is what it was: it is served on, as the one that it is.
    @Test(arguments: [1, 400, 3_000])
    func aConnectionThatIsLostIsTakenUpAgain(bytes limit: Int) async throws {
        try await PortBench.with { bench in
            let server = try SerialServer(dropsAfter: limit)
            try bench.ledger.plan(["R1"])
            let ca = try bench.ca
            let address = try #require(PortAddress("p0=tcp:127.0.0.1:\(server.port)"))
            let line = try PortLine(bench.station, [address]) {
                $0 == "R1" ? PortDevice(serial: "R1", ca: ca, subject: "CN=R1") : nil
            }
            let end = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                line.run()
                end.signal()
            }
            let place = bench.folder.appending(path: "device")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let device = VirtualDevice(
                serial: "R1", folder: place,
                configuration: try bench.configuration("R1").replacing("retries=0", with: "retries=3"),
                descriptor: server.device)
            _ = await bench.run([device])
            line.stop()
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                Thread.detachNewThread {
                    end.wait()
                    continuation.resume()
                }
            }
            #expect(server.drops == 1)
            #expect(bench.results["R1"] == .verified, "\(bench.results) \(bench.events)")
            #expect(bench.server.authority.issuedCertificates().count == 1)
        }
    }
}

/// Carries bytes between a device and whoever connects, and hangs up once.
private final class SerialServer: @unchecked Sendable {
    let port: UInt16
    let device: Int32
    private(set) var drops = 0

    init(dropsAfter limit: Int) throws {
        var pair: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
        _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
        device = pair[0]
        let near = pair[1]
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                bind(listener, general, size)
                listen(listener, 4)
                getsockname(listener, general, &size)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            var left = limit
            while true {
                let far = accept(listener, nil, nil)
                guard far >= 0 else { return }
                var entries = [
                    pollfd(fd: near, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: far, events: Int16(POLLIN), revents: 0),
                ]
                var buffer = [UInt8](repeating: 0, count: 256)
                serving: while poll(&entries, 2, -1) > 0 {
                    for (index, other) in [(0, far), (1, near)] where entries[index].revents != 0 {
                        let count = read(entries[index].fd, &buffer, buffer.count)
                        guard count > 0 else { break serving }
                        _ = send(other, buffer, count, Int32(MSG_NOSIGNAL))
                        if index == 0, drops == 0 {
                            left -= count
                            if left <= 0 {
                                drops = 1
                                break serving
                            }
                        }
                    }
                }
                close(far)
            }
        }
    }
}
