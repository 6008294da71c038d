import Agent
import Authority
import Board
import DER
import DeviceCrypto
import Foundation
import Ledger
import Line
import LinuxBoard
import Relay
import StationSupport
import TestSupport
import Testing

@testable import Ports
@testable import VirtualDevice

@Suite("A device that makes its own certificate")
struct SelfIssuedTests {
    /// For the key that it enrols with, under the name that it is to have, while the CA has issued nothing.
    @Test func isNotVerified() async throws {
        try await PortBench.with({ $0.policy = .manual }) { bench in
            try await bench.serve(["R1"], ports: 1) { terminals in
                let place = bench.folder.appending(path: "hostile")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                let text = try bench.configuration("R1", "poll=1")
                let descriptor = terminals[0].descriptor
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let thread = Thread {
                        #expect(throws: Never.self) { try enrolBySelf(place, text, descriptor) }
                        continuation.resume()
                    }
                    thread.stackSize = 1 << 21
                    thread.start()
                }
            }
            #expect(bench.server.authority.issuedCertificates().isEmpty)
            guard case .failed(let cause) = bench.results["R1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "other-issuer")
            #expect(try bench.ledger.certificates(of: "R1").isEmpty)
        }
    }
}

private func enrolBySelf(_ folder: URL, _ configuration: String, _ descriptor: Int32) throws {
    let relay = UnsafeMutablePointer<RelayDevice<DescriptorPort, SystemClock>>.allocate(capacity: 1)
    let clock = SystemClock()
    relay.initialize(
        to: RelayDevice(
            DescriptorPort(descriptor: descriptor), clock: clock, serial: [UInt8]("R1".utf8).span, session: 77))
    defer { relay.deinitialize(count: 1); relay.deallocate() }
    let path = [UInt8]((folder.path + "\0").utf8)
    let opened = Descriptor(path: path.span, O_RDONLY | O_DIRECTORY)
    let working = try #require(opened)
    var store = IdentityStore(DirectorySnapshots(try IdentityFolder.open(in: working)))
    var log = RelayLog(relay)
    var work = [UInt8](repeating: 0, count: 16_384)
    var span = work.mutableSpan
    _ = relay.pointee.greet(deadline: clock.uptime + 10_000)
    do {
        var random = RandomGenerator()
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        var (clock, traffic) = (clock, Traffic())
        var transport = RelayTransport(relay)
        var agent = Agent<SoftwareKey, 8_192>()
        agent.mayWait = false
        let bytes = [UInt8](configuration.utf8)
        try agent.run(
            configuration: try Configuration(bytes.span), transport: &transport, clock: &clock, store: &store,
            log: &log, random: &random, work: &span, traffic: &traffic)
    } catch {}
    // The key that it enrols with, and a certificate of its own making.
    try store.open()
    var secret = [UInt8](repeating: 0, count: 1024)
    var size = 0
    do { var s = secret.mutableSpan; size = try store.read(.transactionKey, into: &s) ?? 0 }
    var key = SoftwareKey()
    try key.load(secret.span.extracting(first: size))
    var buffer = [UInt8](repeating: 0, count: 4096)
    var count = 0
    do {
        var s = buffer.mutableSpan; var w = DERWriter(&s, end: s.count); try key.write(to: &w); count = w.written.count
    }
    let file = folder.appending(path: "k.der")
    try Data(buffer.suffix(count)).write(to: file)
    let der = try OpenSSL.run([
        "req", "-x509", "-new", "-key", file.path, "-keyform", "DER", "-subj", "/CN=R1", "-days", "9", "-outform",
        "DER",
    ])
    try store.begin(bodySize: 3 + der.count)
    try store.append(.certificate, [UInt8](der).span)
    try store.commit()
    log.write(line: [UInt8]("done".utf8).span)
    _ = relay.pointee.serve(&store, work: &span, deadline: clock.uptime + 10_000)
}
