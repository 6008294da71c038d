// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import CSCEP
import HTTP

@c @implementation
public func scep_head(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ head: UnsafeMutablePointer<UInt8>?, _ size: Int
) -> scep_status {
    guard let instance = Instance.enter(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let head else { return instance.pointee.refuse(SCEP_USAGE, "usage: head is NULL") }
    var bytes = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: head, count: max(size, 0)))
    guard let count = instance.pointee.writeHead(to: &bytes) else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: nothing is to be sent")
    }
    guard count <= bytes.count else {
        return instance.pointee.refuse(SCEP_TOO_SMALL, "too-small: the head takes head_size bytes")
    }
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_receive(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ bytes: UnsafePointer<UInt8>?, _ size: Int
) -> scep_status {
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard size >= 0, bytes != nil || size == 0 else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: the bytes are NULL")
    }
    guard case .send(let operation, _) = instance.pointee.duty else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: no reply is waited for")
    }
    let piece = UnsafeBufferPointer(start: bytes, count: size)
    if size > 0, instance.pointee.work.overlaps(piece) {
        return instance.pointee.refuse(SCEP_USAGE, "usage: the bytes lie in the work buffer")
    }
    return instance.pointee.receive(piece, operation)
}

extension UnsafeMutableBufferPointer where Element == UInt8 {
    fileprivate func overlaps(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = UnsafePointer(baseAddress), let first = other.baseAddress else { return false }
        return first < start + count && start < first + other.count
    }
}

extension Instance {
    /// - Returns: bytes of the head, which were written if they fit; nil if there is none.
    fileprivate func writeHead(to bytes: inout MutableSpan<UInt8>) -> Int? {
        let text = Span(_unsafeElements: text)
        let work = Span(_unsafeElements: UnsafeBufferPointer(work))
        guard case .send(let operation, let payload) = duty, reader == nil,
            let configuration = try? Self.read(text), let url = try? ServerURL(configuration.url)
        else { return nil }
        var request = Request(operation.requestName, payload.message(configuration), to: url, in: work)
        let count = request.length &- request.body.count
        if count <= bytes.count { _ = request.readHead(into: &bytes) }
        return count
    }

    /// Takes a piece of the reply in; an empty one is the stream's end.
    mutating func receive(_ piece: UnsafeBufferPointer<UInt8>, _ operation: Operation) -> scep_status {
        var incoming = reader ?? ResponseReader(limits: operation.responseLimits, capacity: work.count)
        do throws(AgentError) {
            do throws(HTTPError) {
                try take(piece, by: &incoming)
            } catch {
                (reader, duty) = (nil, .none)
                try fail(.reply(error), to: operation)
                return scep_status(SCEP_OK)
            }
            guard incoming.isComplete else {
                reader = incoming
                return scep_status(SCEP_AGAIN)
            }
            (reader, duty) = (nil, .none)
            try take(incoming.response, to: operation)
        } catch {
            return stop(error)
        }
        return scep_status(SCEP_OK)
    }

    private func take(_ piece: UnsafeBufferPointer<UInt8>, by reader: inout ResponseReader) throws(HTTPError) {
        var work = MutableSpan(_unsafeElements: work)
        guard !piece.isEmpty else { return try reader.ended(in: &work) }
        var taken = 0
        // What comes behind a whole reply is left.
        while taken < piece.count, !reader.isComplete {
            let free = reader.freeRange
            let count = min(free.count, piece.count &- taken)
            for index in 0..<count { work[free.lowerBound &+ index] = piece[taken &+ index] }
            try reader.received(count, in: &work)
            taken &+= count
        }
    }
}
