import HTTP

/// How a stream is cut into pieces makes no difference, and no byte is written outside the free range.
func readReply(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let capacity = 1 + Int(input.byte()) * 16
    let choice = input.byte()
    let limits = ResponseLimits(
        head: choice & 1 == 0 ? 16_384 : 64, line: choice & 2 == 0 ? 512 : 24, body: choice & 4 == 0 ? 1 << 20 : 32)
    let cuts = input.piece()
    let stream = input.remainder()
    let whole = read(stream, capacity, limits) { _ in stream.count }
    require(whole == read(stream, capacity, limits) { _ in 1 }, "byte by byte it is the same")
    let other = read(stream, capacity, limits) { cuts.isEmpty ? 3 : 1 + Int(cuts[$0 % cuts.count]) }
    require(whole == other, "in other pieces it is the same")
    require(whole.response.body.count <= min(limits.body, capacity - 1), "no body is beyond the limit")
}

private struct Outcome: Equatable {
    var response = Response()
    var error: HTTPError?
    var body: [UInt8] = []
    var text: [UInt8] = []
}

private func read(_ stream: [UInt8], _ capacity: Int, _ limits: ResponseLimits, size: (Int) -> Int) -> Outcome {
    var work = [UInt8](repeating: 0, count: capacity)
    var reader = ResponseReader(limits: limits, capacity: capacity)
    var outcome = Outcome()
    var position = 0
    var number = 0
    do {
        var buffer = work.mutableSpan
        do throws(HTTPError) {
            while !reader.isComplete, position < stream.count {
                let free = reader.freeRange
                require(!free.isEmpty && free.upperBound <= capacity, "there is space to receive into")
                let count = min(size(number), free.count, stream.count - position)
                for index in 0..<count { buffer[free.lowerBound + index] = stream[position + index] }
                try reader.received(count, in: &buffer)
                position += count
                number += 1
            }
            try reader.ended(in: &buffer)
        } catch {
            outcome.error = error
        }
    }
    require(outcome.error != nil || reader.isComplete, "what has ended is complete, or wrong")
    outcome.response = reader.response
    outcome.text = Array(work[outcome.error?.text ?? 0..<0])
    outcome.body = outcome.error == nil ? Array(work[reader.response.body]) : []
    return outcome
}

/// Nothing that stands in a URL breaks out of the head of a request, which says how long it is.
func readURL(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let choice = input.byte()
    let message = input.piece()
    let text = input.remainder()
    guard let url = try? ServerURL(text.span) else { return }
    require(1...255 ~= url.host.count && url.port > 0, "a URL has a host and a port")
    let request: Request
    switch choice & 3 {
    case 0: request = Request("GetCACaps", .none, to: url, in: message.span)
    case 1: request = Request("GetCACert", .text(message.span), to: url, in: message.span)
    case 2: request = Request("PKIOperation", .base64(0..<message.count), to: url, in: message.span)
    default: request = Request("PKIOperation", .body(0..<message.count), to: url, in: message.span)
    }
    let head = read(request, by: 256)
    require(read(request, by: 1) == head, "a head is the same byte by byte")
    require(head.count + request.body.count == request.length, "a request is as long as it says")
    require(head.suffix(4) == [13, 10, 13, 10], "a head ends in an empty line")
    let lines = head.split(separator: 10, omittingEmptySubsequences: false)
    require(lines.count == (choice & 3 == 3 ? 8 : 6), "a head has the lines that it is to have")
    for byte in head where byte < 0x20 { require(byte == 13 || byte == 10, "no control stands in a head") }
    require(lines[0].filter { $0 == 0x20 }.count == 2, "the first line has three words")
}

private func read(_ request: Request, by size: Int) -> [UInt8] {
    var request = request
    var head: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: size)
    while true {
        var buffer = chunk.mutableSpan
        let count = request.readHead(into: &buffer)
        if count == 0 { return head }
        head += chunk[..<count]
    }
}
