import Board
import CLinux

/// Standard output, a line at a time.
public struct Console: Log {
    public init() {}

    /// Writes the line in one go, so that lines of several boards on one terminal do not mix. What the console does
    /// not take is lost: a device enrols whether or not somebody listens.
    public func write(line: Span<UInt8>) {
        // ``Line.capacity``, and the line ending.
        var text = InlineArray<481, UInt8>(repeating: 0)
        let count = min(line.count, text.count &- 1)
        for index in 0..<count { text[index] = line[index] }
        text[count] = 0x0A
        var rest = text.span.extracting(first: count &+ 1)
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe CLinux.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.extracting(droppingFirst: written)
            } else if linux_errno() != EINTR {
                return
            }
        }
    }
}
