import Bytes

/// Takes in one reply that is received straight into the work buffer, and leaves its body at the buffer's front.
///
/// Whoever drives it stores what arrives at ``freeRange`` and says so by ``received(_:in:)``, until ``isComplete``, or
/// says ``ended(in:)`` when the stream does. Lines are read at the buffer's front one after the other, so that the
/// head takes no space from the body, and a chunked body is joined where it stands. How the stream is cut into pieces
/// makes no difference. After an error every further call throws it again.
///
/// Taken in silence: lines that end in a bare LF, fields of any number and length within the limits, bytes after the
/// end of a body. Refused, though found in the wild: HTTP/0.9, bytes before the status line, blanks before a field's
/// colon.
public struct ResponseReader {
    private enum Phase {
        case statusLine, fields
        case sizedBody, unsizedBody
        case chunkSize, chunkExtension, chunk, chunkEnd, trailers
        case complete
    }

    public private(set) var response = Response()

    private let headLimit: Int
    /// One byte of the work buffer is kept free, so that there is always space to receive into.
    private let lineLimit: Int
    private let bodyLimit: Int
    private let capacity: Int

    private var phase = Phase.statusLine
    /// What is wrong with the reply, once something is, and its details.
    private var failure: HTTPError.Kind?
    private var faultOffset = 0
    private var faultSize = 0
    private var faultText = 0..<0
    /// Bytes of the reply that were taken in, and those that lines of the head had.
    private var offset = 0
    private var headCount = 0
    /// Bytes of the line that is being read, and its offset.
    private var lineCount = 0
    private var lineOffset = 0
    private var hasCarriageReturn = false
    /// How much of the front of the work buffer holds something: the line, or the body so far.
    private var front = 0
    /// Whether a line that begins with a blank may continue the last field: not if it was a length or a coding, of
    /// which the first line alone would be looked at.
    private var mayFold = false
    private var contentLength: Int?
    private var isChunked = false
    /// Bytes that the body or the chunk still lacks.
    private var missing = 0

    /// - Parameter capacity: the size of the work buffer in bytes, at least 1.
    public init(limits: ResponseLimits, capacity: Int) {
        headLimit = limits.head
        lineLimit = min(limits.line, capacity &- 1)
        bodyLimit = max(0, min(limits.body, min(capacity &- 1, HTTPError.largestSize)))
        self.capacity = capacity
    }

    /// Whether the whole reply is there.
    public var isComplete: Bool { phase == .complete }

    /// Where in the work buffer the next bytes are to be stored. Empty only when the reply is complete.
    public var freeRange: Range<Int> {
        switch phase {
        case .complete: front..<front
        case .sizedBody: front..<(front &+ missing)
        default: front..<capacity
        }
    }

    /// Takes in the `count` bytes that were stored at the start of ``freeRange``.
    public mutating func received(_ count: Int, in work: inout MutableSpan<UInt8>) throws(HTTPError) {
        if let failure { throw error(failure) }
        let free = freeRange
        do throws(HTTPError.Kind) {
            for index in free.lowerBound..<min(free.lowerBound &+ count, free.upperBound) {
                try take(work[index], in: &work)
                offset &+= 1
            }
        } catch {
            throw failed(error)
        }
    }

    /// Takes in that the stream has ended.
    public mutating func ended(in work: inout MutableSpan<UInt8>) throws(HTTPError) {
        if let failure { throw error(failure) }
        do throws(HTTPError.Kind) {
            switch phase {
            case .complete: break
            case .unsizedBody: complete()
            case .statusLine where offset == 0: throw fault(.noReply, at: 0)
            case .statusLine:
                _ = try status(work.span.extracting(0..<front), isWhole: false)
                throw fault(.truncated, at: offset)
            case .fields: throw fault(.truncated, at: offset)
            case .sizedBody, .chunkSize, .chunkExtension, .chunk, .chunkEnd, .trailers:
                guard response.status >= 400 else {
                    throw fault(.truncated, at: offset, size: phase == .chunkSize ? 0 : missing)
                }
                response.isBodyCut = true
                complete()
            }
        } catch {
            throw failed(error)
        }
    }

    private mutating func complete() {
        phase = .complete
        response.body = 0..<front
    }

    /// Notes where and what, for the error of `kind` that is thrown up to the caller: one byte on its way.
    @inline(never)
    private mutating func fault(
        _ kind: HTTPError.Kind, at offset: Int, size: Int = 0, text: Range<Int> = 0..<0
    ) -> HTTPError.Kind {
        faultOffset = offset
        faultSize = min(size, HTTPError.largestSize)
        faultText = text
        return kind
    }

    private mutating func failed(_ kind: HTTPError.Kind) -> HTTPError {
        failure = kind
        return error(kind)
    }

    private func error(_ kind: HTTPError.Kind) -> HTTPError {
        HTTPError(kind, at: faultOffset, size: faultSize, status: response.status, text: faultText)
    }

    // MARK: Bytes

    /// Takes in the byte at `offset`.
    private mutating func take(_ byte: UInt8, in work: inout MutableSpan<UInt8>) throws(HTTPError.Kind) {
        switch phase {
        case .statusLine, .fields, .trailers:
            try takeInLine(byte, in: &work)
        case .unsizedBody:
            guard front < bodyLimit else { return try cutBody(size: front &+ 1) }
            store(byte, in: &work)
        case .sizedBody:
            store(byte, in: &work)
            missing &-= 1
            if missing == 0 { complete() }
        case .chunkSize, .chunkExtension, .chunkEnd:
            try takeInFraming(byte)
        case .chunk:
            guard front < bodyLimit else { return try cutBody(size: front &+ missing) }
            store(byte, in: &work)
            missing &-= 1
            if missing == 0 { phase = .chunkEnd }
        case .complete: break
        }
    }

    private mutating func store(_ byte: UInt8, in work: inout MutableSpan<UInt8>) {
        work[front] = byte
        front &+= 1
    }

    /// A line of the head or the trailers.
    private mutating func takeInLine(_ byte: UInt8, in work: inout MutableSpan<UInt8>) throws(HTTPError.Kind) {
        guard headCount < headLimit else { throw fault(.headTooLarge, at: offset) }
        headCount &+= 1
        if lineCount == 0, !hasCarriageReturn { lineOffset = offset }
        if byte == .lineFeed {
            try endLine(work.span)
            hasCarriageReturn = false
            lineCount = 0
            return
        }
        guard !hasCarriageReturn, !byte.isControl || byte == .carriageReturn else {
            guard phase == .statusLine else { throw fault(.badField, at: offset) }
            throw fault(.notHTTP, at: offset, text: 0..<front)
        }
        if byte == .carriageReturn {
            hasCarriageReturn = true
            return
        }
        if phase != .trailers, lineCount < lineLimit { store(byte, in: &work) }
        lineCount &+= 1
    }

    /// What stands around the chunks.
    private mutating func takeInFraming(_ byte: UInt8) throws(HTTPError.Kind) {
        if byte == .lineFeed, lineCount > 0 || phase == .chunkEnd {
            if phase == .chunkEnd {
                phase = .chunkSize
            } else {
                try beginChunk()
            }
            hasCarriageReturn = false
            lineCount = 0
            return
        }
        guard !hasCarriageReturn, lineCount < lineLimit else { throw fault(.badChunk, at: offset) }
        if byte == .carriageReturn {
            hasCarriageReturn = true
            return
        }
        lineCount &+= 1
        switch phase {
        case .chunkExtension where !byte.isControl: break
        case .chunkSize where lineCount > 1 && (byte.isBlank || byte == UInt8(ascii: ";")): phase = .chunkExtension
        case .chunkSize:
            guard let digit = byte.hexadecimalValue else { throw fault(.badChunk, at: offset) }
            missing = min(missing << 4 | Int(digit), HTTPError.largestSize &+ 1)
        default: throw fault(.badChunk, at: offset)
        }
    }

    private mutating func beginChunk() throws(HTTPError.Kind) {
        guard missing > 0 else {
            phase = .trailers
            return
        }
        phase = .chunk
        // A body for people is taken in as far as it goes.
        if missing > bodyLimit &- front, response.status < 400 { try cutBody(size: front &+ missing) }
    }

    /// The body does not fit.
    private mutating func cutBody(size: Int) throws(HTTPError.Kind) {
        guard response.status >= 400 else { throw fault(.bodyTooLarge, at: offset, size: size) }
        response.isBodyCut = true
        complete()
    }

    // MARK: Lines

    /// The line that stands at the front, or what the limit leaves of it, is complete.
    private mutating func endLine(_ work: Span<UInt8>) throws(HTTPError.Kind) {
        switch phase {
        case .statusLine:
            response.status = try status(work.extracting(0..<front), isWhole: true)
            phase = .fields
            mayFold = false
            contentLength = nil
            isChunked = false
        case .fields where lineCount == 0:
            try endFields()
        case .fields:
            try takeField(work.extracting(0..<front))
        case .trailers where lineCount == 0:
            complete()
        default: break
        }
        if phase != .trailers { front = 0 }
    }

    /// Reads `HTTP/1.x SSS reason`; the reason can be missing. Of a line that is not whole, what is there is read.
    private mutating func status(_ line: Span<UInt8>, isWhole: Bool) throws(HTTPError.Kind) -> UInt16 {
        let form: StaticString = "HTTP/1.d sdd "
        var status = 0
        for index in 0..<form.utf8CodeUnitCount {
            guard index < line.count else {
                if isWhole, index < 12 { throw fault(.notHTTP, at: lineOffset &+ index, text: 0..<line.count) }
                break
            }
            let byte = line[index]
            let isRight =
                switch span(of: form)[index] {
                case UInt8(ascii: "d"): byte.isDigit
                case UInt8(ascii: "s"): byte.isDigit && byte != UInt8(ascii: "0")
                case let expected: byte == expected
                }
            guard isRight else { throw fault(.notHTTP, at: lineOffset &+ index, text: 0..<line.count) }
            if index > 8, index < 12 { status = status &* 10 &+ Int(byte &- UInt8(ascii: "0")) }
        }
        return UInt16(truncatingIfNeeded: status)
    }

    /// Reads `name: value` (RFC 9112, section 5).
    private mutating func takeField(_ line: Span<UInt8>) throws(HTTPError.Kind) {
        if line.count > 0, line[0].isBlank {
            guard mayFold else { throw fault(.badField, at: lineOffset) }
            return
        }
        var colon = 0
        while colon < line.count, line[colon] != UInt8(ascii: ":") {
            guard line[colon].isVisible else { throw fault(.badField, at: lineOffset &+ colon) }
            colon &+= 1
        }
        guard colon > 0, colon < line.count else { throw fault(.badField, at: lineOffset &+ colon) }
        let value = line.trimming((colon &+ 1)..<line.count)
        let number = line.number(
            of: 0..<colon,
            in: "content-length transfer-encoding content-encoding content-type date server location")
        mayFold = number == 0 || number > 3
        switch number {
        case 1: try takeContentLength(line, value)
        case 2: try takeTransferEncoding(line, value)
        case 3 where line.number(of: value, in: "gzip deflate") > 0:
            throw fault(.unsupportedCoding, at: lineOffset &+ value.lowerBound)
        case 4: response.mediaType = MediaType(line.extracting(value))
        case 5: response.date = HTTPDate.seconds(line.extracting(value))
        case 6: response.isMicrosoftIIS = line.holds("microsoft-iis", at: value.lowerBound)
        case 7 where response.status >= 300 && response.status < 400:
            throw fault(.redirected, at: lineOffset &+ value.lowerBound, text: value)
        default: break
        }
    }

    private mutating func takeContentLength(_ line: Span<UInt8>, _ value: Range<Int>) throws(HTTPError.Kind) {
        guard lineCount == line.count, let length = line.decimal(in: value, ceiling: HTTPError.largestSize &+ 1) else {
            throw fault(.badContentLength, at: lineOffset &+ value.lowerBound)
        }
        guard !isChunked, contentLength == nil || contentLength == length else {
            throw fault(.conflictingLengths, at: lineOffset &+ value.lowerBound)
        }
        contentLength = length
    }

    private mutating func takeTransferEncoding(_ line: Span<UInt8>, _ value: Range<Int>) throws(HTTPError.Kind) {
        let number = line.number(of: value, in: "identity chunked")
        guard number != 1 else { return }
        guard number == 2, !isChunked, lineCount == line.count else {
            throw fault(.unsupportedCoding, at: lineOffset &+ value.lowerBound)
        }
        guard contentLength == nil else { throw fault(.conflictingLengths, at: lineOffset &+ value.lowerBound) }
        isChunked = true
    }

    /// The empty line after the fields: decides how the body ends (RFC 9112, section 6.3).
    private mutating func endFields() throws(HTTPError.Kind) {
        switch response.status {
        case 100..<200:
            response = Response()
            phase = .statusLine
            return
        case 300..<400:
            throw fault(.redirected, at: offset)
        case 204:
            complete()
            return
        default: break
        }
        if isChunked {
            phase = .chunkSize
        } else if let contentLength {
            phase = .sizedBody
            missing = contentLength
            if contentLength > bodyLimit {
                guard response.status >= 400 else {
                    throw fault(.bodyTooLarge, at: offset, size: contentLength)
                }
                response.isBodyCut = true
                missing = bodyLimit
            }
            if missing == 0 { complete() }
        } else {
            phase = .unsizedBody
        }
    }
}
