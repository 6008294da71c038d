import CInterface
import CSCEP
import TestSupport

/// A program in C that calls functions in any order, with sizes and replies of the input's, over storage and randomness that fail when
/// the input says so. Every call returns a status that there is, writes nothing beside what it was lent, and an error has a reason.
func callFromC(_ bytes: [UInt8]) {
    var program = CProgram(Input(bytes))
    program.run()
}

/// What functions of the table are called with; of one program at a time.
private final class CBoard {
    var uptime: UInt64 = 0
    var failures: UInt8 = 0
    var snapshot: [UInt8] = []
    var next: [UInt8] = []
    var fills: UInt8 = 1

    /// Whether the next call of a function fails.
    func fails() -> Bool {
        defer { failures >>= 1 }
        return failures & 1 == 1
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> CBoard {
        Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }
}

private struct CProgram {
    private static let configuration =
        [UInt8](
            "url=http://ca.example/scep\nsubject=CN=c\nchallenge=secret\nchallenge-use=always\nkey=p256\nretries=1\n")
        + [UInt8]("polls=2\nfingerprint=") + Authority.fingerprint
    private static let statuses = [
        SCEP_OK, SCEP_AGAIN, SCEP_PENDING, SCEP_USAGE, SCEP_TOO_SMALL, SCEP_CONFIGURATION, SCEP_ENTROPY, SCEP_STORAGE,
        SCEP_KEY, SCEP_NETWORK, SCEP_REPLY, SCEP_REFUSED, SCEP_NONE,
    ].map { scep_status($0) }
    private static let canary: UInt8 = 0xC5

    private var input: Input
    private let board = CBoard()
    private var want = scep_want()

    init(_ input: Input) { self.input = input }

    mutating func run() {
        let agent = UnsafeMutablePointer<scep_agent>.allocate(capacity: 1)
        agent.initialize(to: scep_agent())
        // Between bytes that nobody may change.
        let workSize = 512 + 64 * Int(input.byte())
        let work = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: workSize + 32)
        work.initialize(repeating: Self.canary)
        let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Self.configuration.count)
        _ = text.initialize(from: Self.configuration.map { CChar(bitPattern: $0) })
        let snapshots = UnsafeMutablePointer<scep_snapshots>.allocate(capacity: 1)
        snapshots.initialize(to: table)
        defer {
            agent.deallocate()
            work.deallocate()
            text.deallocate()
            snapshots.deallocate()
        }
        withExtendedLifetime(board) {
            var calls = 0
            while calls < 200, !input.isAtEnd {
                calls += 1
                call(agent, work.baseAddress.unsafelyUnwrapped + 16, workSize, text, snapshots)
                require(
                    work.prefix(16).allSatisfy { $0 == Self.canary }
                        && work.suffix(16).allSatisfy { $0 == Self.canary },
                    "nothing is written beside the work buffer")
            }
            scep_end(agent)
            scep_end(agent)
        }
    }

    private mutating func call(
        _ agent: UnsafeMutablePointer<scep_agent>, _ work: UnsafeMutablePointer<UInt8>, _ workSize: Int,
        _ text: UnsafeMutableBufferPointer<CChar>, _ snapshots: UnsafeMutablePointer<scep_snapshots>
    ) {
        let status: scep_status
        switch input.number(below: 16) {
        case 0, 1: status = scep_step(agent, &want)
        case 2: status = scep_go_on(agent)
        case 3: status = receiveHonestly(agent)
        case 4: status = receive(agent, input.piece())
        case 5: status = reply(agent, work)
        case 6: status = scep_no_reply(agent, -Int32(input.byte()))
        case 7:
            status = lend(Int(input.byte())) {
                scep_target(agent, UnsafeMutableRawPointer($0).assumingMemoryBound(to: CChar.self), $1)
            }
        case 8: status = lend(Int(input.byte()) * 2) { scep_head(agent, $0, $1) }
        case 9:
            status = lend(Int(input.byte()) * 8) { buffer, size in
                var count = size
                return scep_certificate(agent, buffer, &count)
            }
        case 10:
            status = lend(Int(input.byte()) * 8) { buffer, size in
                var count = size
                return scep_chain(agent, buffer, &count)
            }
        case 11: status = sign(agent)
        case 12:
            var next = scep_next_action()
            status = scep_next(agent, &next)
        case 13:
            board.failures = input.byte()
            board.uptime += UInt64(input.byte()) * 60_000
            return
        case 14:
            scep_end(agent)
            return
        default: status = start(agent, work, workSize, text, snapshots)
        }
        require(Self.statuses.contains(status), "a status is one of the header's")
        _ = lend(Int(input.byte())) { buffer, size in
            let count = scep_error(agent, UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: CChar.self), size)
            require(count < max(size, 1), "the reason has a 0 behind it")
            return 0
        }
    }

    /// A buffer of exactly that size.
    private func lend(
        _ size: Int, _ body: (UnsafeMutablePointer<UInt8>, Int) -> scep_status
    ) -> scep_status {
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        defer { buffer.deallocate() }
        buffer.initialize(repeating: 0, count: size)
        return body(buffer, size)
    }

    private func sign(_ agent: UnsafeMutablePointer<scep_agent>) -> scep_status {
        let digest = [UInt8](repeating: 7, count: 32)
        return lend(512) { buffer, size in
            var count = size
            return scep_sign(agent, SCEP_SHA256, digest, digest.count, buffer, &count)
        }
    }

    /// What an honest CA says to the first requests.
    private func receiveHonestly(_ agent: UnsafeMutablePointer<scep_agent>) -> scep_status {
        var target = [CChar](repeating: 0, count: 256)
        guard scep_target(agent, &target, target.count) == SCEP_OK else { return scep_receive(agent, nil, 0) }
        let asked = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let head = [UInt8]("HTTP/1.0 200 OK\r\n\r\n")
        let body =
            asked.contains("GetCACaps")
            ? [UInt8]("AES\nSHA-256\nPOSTPKIOperation\n") : Authority.certificatesOnly(certificates: Authority.trusted)
        let status = receive(agent, head + body)
        return status == SCEP_AGAIN ? scep_receive(agent, nil, 0) : status
    }

    private func receive(_ agent: UnsafeMutablePointer<scep_agent>, _ bytes: [UInt8]) -> scep_status {
        scep_receive(agent, bytes, bytes.count)
    }

    private mutating func reply(
        _ agent: UnsafeMutablePointer<scep_agent>, _ work: UnsafeMutablePointer<UInt8>
    ) -> scep_status {
        let isInPlace = input.byte() & 1 == 1
        let status = UInt16(input.byte()) * 4
        let type = input.piece().map { CChar(bitPattern: $0) } + [0]
        let body = input.piece()
        return body.withUnsafeBufferPointer { body in
            type.withUnsafeBufferPointer { type in
                var reply = scep_http_reply(
                    status: status, content_type: type.baseAddress, date: type.baseAddress,
                    body: isInPlace ? UnsafePointer(work) : body.baseAddress, body_size: min(body.count, 512))
                return scep_reply(agent, &reply)
            }
        }
    }

    private func start(
        _ agent: UnsafeMutablePointer<scep_agent>, _ work: UnsafeMutablePointer<UInt8>, _ workSize: Int,
        _ text: UnsafeMutableBufferPointer<CChar>, _ snapshots: UnsafeMutablePointer<scep_snapshots>
    ) -> scep_status {
        var platform = scep_platform()
        platform.context = Unmanaged.passUnretained(board).toOpaque()
        platform.uptime = { CBoard.of($0).uptime }
        platform.time = { _ in 1_767_225_600 }
        platform.entropy = { context, bytes, size in
            let board = CBoard.of(context)
            board.fills &+= 1
            for index in 0..<size { bytes?[index] = UInt8(truncatingIfNeeded: index &* 37) &+ board.fills }
            return board.fails() ? 1 : 0
        }
        platform.snapshots = UnsafePointer(snapshots)
        agent.initialize(to: scep_agent())
        return scep_init(
            agent, MemoryLayout<scep_agent>.size, &platform, text.baseAddress, text.count, work, workSize)
    }

    private var table: scep_snapshots {
        var table = scep_snapshots()
        table.context = Unmanaged.passUnretained(board).toOpaque()
        table.open = { context, size in
            let board = CBoard.of(context)
            size?.pointee = board.snapshot.count
            return board.fails() ? 1 : 0
        }
        table.read = { context, offset, bytes, size in
            let board = CBoard.of(context)
            guard offset + size <= board.snapshot.count, !board.fails() else { return 1 }
            for index in 0..<size { bytes?[index] = board.snapshot[offset + index] }
            return 0
        }
        table.begin = { context, _ in
            CBoard.of(context).next = []
            return CBoard.of(context).fails() ? 1 : 0
        }
        table.append = { context, bytes, size in
            CBoard.of(context).next += Array(UnsafeBufferPointer(start: bytes, count: size))
            return CBoard.of(context).fails() ? 1 : 0
        }
        table.commit = { context in
            let board = CBoard.of(context)
            guard !board.fails() else { return 1 }
            board.snapshot = board.next
            return 0
        }
        return table
    }
}
