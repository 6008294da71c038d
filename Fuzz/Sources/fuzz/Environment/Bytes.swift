import DER

extension [UInt8] {
    init(_ text: StaticString) {
        self = [UInt8](UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// An element with these contents; empty where they are too long for one.
    func tagged(_ tag: Tag) -> [UInt8] {
        writing(capacity: count + 4) { writer throws(DERError) in try writer.write(tag, span) }
    }
}

/// What `body` writes backward into a buffer of `capacity` bytes; empty if it does not.
func writing(capacity: Int, _ body: (inout DERWriter) throws(DERError) -> Void) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: capacity)
    var front = capacity
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: capacity)
        if (try? body(&writer)) != nil { front = writer.front }
    }
    return Array(buffer[front...])
}
