import HTTP

/// What came of a reply, as plain values.
enum Outcome: Equatable, CustomStringConvertible {
    case reply(status: UInt16, body: String)
    case failure(HTTPError.Kind, at: Int, size: Int = 0, status: UInt16 = 0, text: String = "")
    case incomplete

    var description: String {
        switch self {
        case .reply(let status, let body): "\(status) \(body.debugDescription)"
        case .failure(let kind, let offset, let size, let status, let text):
            "\(kind) at \(offset), size \(size), status \(status), text \(text.debugDescription)"
        case .incomplete: "incomplete"
        }
    }
}

struct Reading: Equatable {
    var outcome: Outcome
    var response: Response
}

extension [UInt8] {
    /// Latin-1, so that any bytes compare as text.
    var text: String { String(String.UnicodeScalarView(map { Unicode.Scalar($0) })) }
}

extension String {
    var latin1: [UInt8] { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}

/// Feeds `pieces` to a reader over a work buffer of `capacity` bytes, as a driver would: never more at a time than the
/// reader has space for. Then ends the stream, unless told otherwise.
func read(
    _ pieces: [ArraySlice<UInt8>], capacity: Int = 4096, limits: ResponseLimits = ResponseLimits(), ending: Bool = true
) -> Reading {
    var work = [UInt8](repeating: 0xEE, count: capacity)
    var reader = ResponseReader(limits: limits, capacity: capacity)
    do throws(HTTPError) {
        for piece in pieces {
            var rest = piece
            while !rest.isEmpty, !reader.isComplete {
                let free = reader.freeRange
                precondition(!free.isEmpty && free.upperBound <= capacity)
                let count = min(rest.count, free.count)
                work.replaceSubrange(free.lowerBound..<(free.lowerBound + count), with: rest.prefix(count))
                rest = rest.dropFirst(count)
                var span = work.mutableSpan
                try reader.received(count, in: &span)
            }
        }
        if ending {
            var span = work.mutableSpan
            try reader.ended(in: &span)
        }
    } catch {
        let text = Array(work[error.text]).text
        // A reader stays at its first error.
        do throws(HTTPError) {
            var span = work.mutableSpan
            try reader.ended(in: &span)
            return Reading(outcome: .incomplete, response: reader.response)
        } catch let again {
            precondition(again == error)
        }
        return Reading(
            outcome: .failure(error.kind, at: error.offset, size: error.size, status: error.status, text: text),
            response: reader.response)
    }
    guard reader.isComplete else { return Reading(outcome: .incomplete, response: reader.response) }
    let body = Array(work[reader.response.body]).text
    return Reading(outcome: .reply(status: reader.response.status, body: body), response: reader.response)
}

/// Reads `reply` at one go, byte by byte and cut in two at every position; nil unless all of that agrees.
func readEveryWay(
    _ reply: String, capacity: Int = 4096, limits: ResponseLimits = ResponseLimits(), ending: Bool = true
) -> Reading? {
    let bytes = reply.latin1
    let whole = read([bytes[...]], capacity: capacity, limits: limits, ending: ending)
    let single = read(bytes.indices.map { bytes[$0...$0] }, capacity: capacity, limits: limits, ending: ending)
    guard single == whole else { return nil }
    for cut in bytes.indices {
        let halves = read([bytes[..<cut], bytes[cut...]], capacity: capacity, limits: limits, ending: ending)
        guard halves == whole else { return nil }
    }
    return whole
}
