import Board
import Bytes
import HTTP
import LinuxBoard
import Output
import SCEP

/// All certificates of the last reply to GetCACert, trusted or not: above a CA that is pinned there may be others, up to a
/// root, which the agent has no use for and other programs have.
///
/// The transport hears every request and reply; the agent keeps of them what it trusts.
final class OfferedCertificates {
    /// A request's head is looked at so far.
    private static var headLimit: Int { 4096 }
    private static var replyLimit: Int { 65_536 }

    private var head: [UInt8] = []
    private var reply: [UInt8] = []
    /// In DER, one after the other.
    private var certificates: [UInt8] = []

    func begin() {
        head = []
        reply = []
    }

    func sent(_ bytes: Span<UInt8>) {
        head.append(bytes.extracting(first: min(bytes.count, Self.headLimit - head.count)))
    }

    func received(_ bytes: Span<UInt8>) {
        guard reply.count + bytes.count <= Self.replyLimit, find("operation=GetCACert", in: head) != nil else { return }
        reply.append(bytes)
    }

    func end() {
        defer { begin() }
        guard !reply.isEmpty else { return }
        // The agent has checked it already; what cannot be read is nothing to tell of twice.
        if let found = Self.certificates(reply) { certificates = found }
    }

    private static func certificates(_ reply: [UInt8]) -> [UInt8]? {
        var work = [UInt8](repeating: 0, count: replyLimit)
        var buffer = work.mutableSpan
        var reader = ResponseReader(limits: ResponseLimits(), capacity: buffer.count)
        var position = 0
        do throws(HTTPError) {
            while !reader.isComplete, position < reply.count {
                let free = reader.freeRange
                let count = min(free.count, reply.count - position)
                guard count > 0 else { return nil }
                for index in 0..<count { buffer[free.lowerBound + index] = reply[position + index] }
                position += count
                try reader.received(count, in: &buffer)
            }
            if !reader.isComplete { try reader.ended(in: &buffer) }
        } catch {
            return nil
        }
        var policy = Policy()
        guard reader.response.status == 200,
            let read = try? GetCACert.read(&buffer, body: reader.response.body, policy: &policy)
        else { return nil }
        return [UInt8](buffer.span.extracting(read.certificates))
    }

    /// What was offered last, and what was published of earlier offers.
    func certificates(in workspace: Workspace) -> [UInt8] {
        certificates + ((try? InputFile.read(workspace.path + Text("/above"))) ?? [])
    }

    /// Keeps what is published of it, for passes that ask nobody.
    func keep(_ above: [UInt8], in workspace: Workspace) throws(Failure) {
        guard !above.isEmpty, (try? InputFile.read(workspace.path + Text("/above"))) != above else {
            return
        }
        try workspace.replace("above", with: above)
    }
}
