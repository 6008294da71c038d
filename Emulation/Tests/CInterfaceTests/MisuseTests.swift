import Authority
import AuthorityServer
import Board
import CSCEP
import Foundation
import SimulatedStorage
import TestSupport
import Testing

/// What a caller does wrong, and what a board does wrong, is an error: it neither hangs nor writes where it should not.
@Suite struct MisuseTests {
    private static let text = """
        url=http://127.0.0.1:1/scep
        fingerprint=\(String(repeating: "ab", count: 32))
        subject=CN=x
        key=p256
        challenge=secret
        challenge-use=always
        retries=0
        """

    @Test func initIsGivenNonsense() {
        let device = CDevice(Self.text)
        #expect(device.start { $0.uptime = nil } == SCEP_USAGE)
        #expect(device.start { $0.entropy = nil } == SCEP_USAGE)
        #expect(device.start { $0.flash = nil } == SCEP_USAGE, "neither flash nor snapshots")
        var snapshots = scep_snapshots()
        withUnsafePointer(to: &snapshots) { pointer in
            #expect(device.start { $0.snapshots = pointer } == SCEP_USAGE, "both")
            #expect(
                device.start {
                    $0.snapshots = pointer
                    $0.flash = nil
                } == SCEP_USAGE, "without functions")
        }
        var platform = device.platform
        var agent = scep_agent()
        var work = [UInt8](repeating: 0, count: 512)
        let text = Self.text.utf8.map { CChar(bitPattern: $0) }
        let size = MemoryLayout<scep_agent>.size
        #expect(scep_init(nil, size, &platform, text, text.count, &work, work.count) == SCEP_USAGE)
        #expect(scep_init(&agent, size, nil, text, text.count, &work, work.count) == SCEP_USAGE)
        #expect(scep_init(&agent, size, &platform, nil, text.count, &work, work.count) == SCEP_USAGE)
        #expect(scep_init(&agent, size, &platform, text, 0, &work, work.count) == SCEP_USAGE)
        #expect(scep_init(&agent, size, &platform, text, text.count, nil, work.count) == SCEP_USAGE)
        #expect(scep_init(&agent, size, &platform, text, text.count, &work, 511) == SCEP_TOO_SMALL)
        #expect(scep_init(&agent, 64, &platform, text, text.count, &work, work.count) == SCEP_TOO_SMALL)
    }

    /// What an agent's memory takes, of which the header has a little more.
    @Test func theMemoryIsAsLargeAsTheHeaderSays() {
        let device = CDevice(Self.text)
        var least = 1
        var platform = device.platform
        let memory = UnsafeMutablePointer<scep_agent>.allocate(capacity: 1)
        defer { memory.deallocate() }
        var work = [UInt8](repeating: 0, count: 512)
        let text = Self.text.utf8.map { CChar(bitPattern: $0) }
        while scep_init(memory, least, &platform, text, text.count, &work, work.count) == SCEP_TOO_SMALL { least += 1 }
        print("c: an agent takes \(least) of SCEP_AGENT_SIZE \(SCEP_AGENT_SIZE)")
        #expect(least <= Int(SCEP_AGENT_SIZE))
    }

    @Test(
        arguments: [
            ("url=http://x/\nfingerprint=00\nsubject=CN=x", "line 2 has a wrong fingerprint, which takes: 64 or 128"),
            ("# x\n\nurl", "line 3 has no known name=value"), ("subject=CN=x", "url is missing"),
        ])
    func aConfigurationThatIsNoneIsNamed(text: String, word: String) {
        let device = CDevice(text)
        #expect(device.start() == SCEP_CONFIGURATION)
        #expect(device.kind == "configuration" && device.error.contains(word), "\(device.error)")
        var want = scep_want()
        #expect(scep_step(device.agent, &want) == SCEP_USAGE, "it is good for nothing")
        #expect(device.kind == "configuration", "and says so still")
    }

    @Test func functionsInTheWrongOrder() {
        let device = CDevice(Self.text)
        var want = scep_want()
        #expect(scep_step(device.agent, &want) == SCEP_USAGE, "before scep_init")
        #expect(device.start() == SCEP_OK)
        #expect(scep_go_on(device.agent) == SCEP_USAGE)
        #expect(device.kind == "usage")
        #expect(scep_no_reply(device.agent, 0) == SCEP_USAGE)
        var reply = scep_http_reply()
        #expect(scep_reply(device.agent, &reply) == SCEP_USAGE)
        var target: [CChar] = [1, 1, 1]
        #expect(scep_target(device.agent, &target, 3) == SCEP_USAGE)
        #expect(scep_step(device.agent, nil) == SCEP_USAGE)
        #expect(scep_attend(device.agent, nil) == SCEP_USAGE)
        var transport = scep_transport()
        #expect(scep_attend(device.agent, &transport) == SCEP_USAGE)
        #expect(scep_step(device.agent, &want) == SCEP_OK && want.task == SCEP_SEND)
        #expect(scep_step(device.agent, &want) == SCEP_USAGE, "what it wanted was not done")
        #expect(scep_go_on(device.agent) == SCEP_USAGE)
        #expect(scep_target(device.agent, &target, 3) == SCEP_TOO_SMALL && target == [0, 1, 1])
        target = [1, 1, 1]
        #expect(scep_target(device.agent, &target, 0) == SCEP_TOO_SMALL && target == [1, 1, 1])
        #expect(scep_reply(device.agent, nil) == SCEP_USAGE)
        reply.body_size = 10
        #expect(scep_reply(device.agent, &reply) == SCEP_USAGE, "a body that is NULL")
        #expect(scep_no_reply(device.agent, Int32(SCEP_TIMED_OUT)) == SCEP_AGAIN)
        #expect(scep_sign(device.agent, SCEP_SHA256, nil, 32, nil, nil) == SCEP_USAGE)
        #expect(scep_certificate(device.agent, nil, nil) == SCEP_USAGE)
        #expect(scep_next(device.agent, nil) == SCEP_USAGE)
        scep_end(device.agent)
        scep_end(device.agent)
        scep_end(nil)
        #expect(scep_step(device.agent, &want) == SCEP_USAGE, "after scep_end")
        #expect(scep_error(nil, nil, 10) == 0 && device.error == "")
    }

    /// The agent's memory and the work buffer hold nothing when it has ended.
    @Test func anEndLeavesNothing() {
        let device = CDevice(Self.text)
        #expect(device.start() == SCEP_OK)
        for index in device.workSpace.indices { device.workSpace[index] = 0xAA }
        let memory = UnsafeRawBufferPointer(start: device.agent, count: MemoryLayout<scep_agent>.size)
        #expect(memory.contains { $0 != 0 })
        scep_end(device.agent)
        #expect(device.workSpace.allSatisfy { $0 == 0 } && memory.allSatisfy { $0 == 0 })
    }

    /// A callback may not call back.
    @Test func aCallbackThatCallsBack() {
        let device = CDevice(Self.text)
        #expect(
            device.start {
                $0.log = { context, _, _ in
                    let device = Unmanaged<CDevice>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
                    var want = scep_want()
                    if scep_step(device.agent, &want) == SCEP_USAGE { device.clockOffset = 12_345 }
                }
            } == SCEP_OK)
        let transport = CTransport()
        transport.connects = Int32(SCEP_UNREACHABLE)
        #expect(transport.attend(device) == SCEP_AGAIN)
        #expect(device.clockOffset == 12_345)
    }

    @Test(arguments: [Int32(-1), 1])
    func entropyFails(status: Int32) {
        let device = CDevice(Self.text)
        device.seed = { _ in status }
        #expect(device.start() == SCEP_ENTROPY && device.kind.contains("entropy"), "\(device.error)")
    }

    /// A generator that is not switched on says that it did its work.
    @Test func entropyThatIsNone() {
        let device = CDevice(Self.text)
        device.seed = { bytes in
            for index in bytes.indices { bytes[index] = 0xFF }
            return 0
        }
        #expect(device.start() == SCEP_ENTROPY)
    }

    @Test(arguments: [
        (0, 1_024, 60), (3, 1_024, 60), (512, 1_024, 60), (4, 2, 60), (4, 1_022, 60), (4, 1_024, 1), (4, 1_024, 0),
        (4, 1 << 30, 60),
    ])
    func flashWithAGeometryThatIsNone(page: Int, sector: Int, count: Int) {
        let device = CDevice(Self.text)
        var flash = scep_flash()
        #expect(
            device.start { platform in
                flash = platform.flash.pointee
                flash.page_size = UInt32(page)
                flash.sector_size = UInt32(sector)
                flash.sector_count = UInt32(count)
                withUnsafePointer(to: &flash) { platform.flash = $0 }
            } == SCEP_USAGE)
    }

    /// Two banks do not fit.
    @Test func flashThatIsTooSmall() {
        let device = CDevice(Self.text)
        device.flash = SimulatedFlash(
            StorageGeometry(pageSize: 4, sectorSize: 1_024, sectorCount: 8, erasedValue: 0xFF))
        #expect(device.start() == SCEP_OK)
        #expect(CTransport().attend(device) == SCEP_STORAGE && device.kind == "storage-full", "\(device.error)")
    }

    /// Snapshots of a size that none has.
    @Test(arguments: [1, 31, 100_000, -1, Int.min])
    func snapshotsOfNoSize(size: Int) {
        let device = CDevice(Self.text)
        var table = scep_snapshots()
        var size = size
        withUnsafeMutablePointer(to: &size) { place in
            table.context = UnsafeMutableRawPointer(place)
            table.open = { context, size in
                size?.pointee = context?.assumingMemoryBound(to: Int.self).pointee ?? 0
                return 0
            }
            table.read = { _, _, bytes, count in
                for index in 0..<count { bytes?[index] = 7 }
                return 0
            }
            table.begin = { _, _ in -1 }
            table.append = { _, _, _ in -1 }
            table.commit = { _ in -1 }
            withUnsafePointer(to: &table) { table in
                let status = device.start { platform in
                    platform.flash = nil
                    platform.snapshots = table
                }
                #expect(status == SCEP_OK)
                #expect(
                    CTransport().attend(device) == SCEP_STORAGE && device.kind == "storage-corrupt", "\(device.error)")
                #expect(device.certificate == nil)
                scep_end(device.agent)
            }
        }
    }

    @Test(arguments: [Int32(1), -1])
    func flashThatFails(status: Int32) {
        let device = CDevice(Self.text)
        device.flashStatus = status
        #expect(device.start() == SCEP_OK)
        #expect(CTransport().attend(device) == SCEP_STORAGE)
        #expect(device.certificate == nil && device.kind == "storage-failed", "\(device.error)")
    }

    /// More than there was space for, an end at once, a number that is no reason, a break.
    @Test(arguments: [Int32(100_000), 0, -77, Int32.min, Int32(SCEP_RESET), Int32(SCEP_TIMED_OUT)])
    func aTransportThatReceivesNonsense(count: Int32) async throws {
        let server = try await AuthorityServer(try Authority(CAConfiguration()))
        let device = CDevice(Self.text.replacing("127.0.0.1:1/", with: "127.0.0.1:\(server.port)/"))
        #expect(device.start() == SCEP_OK)
        let transport = CTransport()
        transport.receives = count
        #expect(transport.attend(device) == SCEP_AGAIN, "\(device.error)")
        await server.stop()
    }

    /// A clock that stands still keeps nobody waiting for ever: each call has a deadline that never comes, but the server answers.
    @Test func aClockThatStandsStill() {
        let device = CDevice(Self.text)
        device.standsStill = true
        device.clockOffset = nil
        #expect(device.start() == SCEP_OK)
        #expect(CTransport().attend(device) == SCEP_AGAIN, "\(device.error)")
    }

    /// A reply that does not fit, or is larger than all memory, a redirect, no status at all.
    @Test func repliesOfAnHTTPClientThatAreNone() {
        for (status, size) in [(200, 600), (200, -1), (302, 10), (0, 0), (199, 0), (1_000, 0)] {
            let device = CDevice(Self.text, workSize: 512)
            #expect(device.start() == SCEP_OK)
            var want = scep_want()
            #expect(scep_step(device.agent, &want) == SCEP_OK && want.task == SCEP_SEND)
            let body = [UInt8](repeating: 1, count: max(size, 1))
            let result = body.withUnsafeBufferPointer { body in
                var reply = scep_http_reply(
                    status: UInt16(status), content_type: nil, date: nil, body: body.baseAddress, body_size: size)
                return scep_reply(device.agent, &reply)
            }
            let expected = status == 302 ? SCEP_AGAIN : status == 200 ? SCEP_REPLY : SCEP_USAGE
            #expect(result == expected, "\(status)")
        }
    }
}
