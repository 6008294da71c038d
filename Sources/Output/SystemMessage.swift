import CLinux

/// What the system says of an error.
///
/// - Parameter error: errno.
package func systemMessage(_ error: Int32) -> Text {
    guard let words = unsafe strerror(error) else { return Text("unknown error") }
    return unsafe text(words)
}

/// A text of C's.
@unsafe package func text(_ words: UnsafePointer<CChar>) -> Text {
    var text = Text()
    var next = unsafe words
    while unsafe next.pointee != 0 {
        unsafe text.append(UInt8(bitPattern: next.pointee))
        unsafe next += 1
    }
    return text
}
