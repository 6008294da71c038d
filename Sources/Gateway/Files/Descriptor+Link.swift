import CLinux
import LinuxBoard
import Output

extension Descriptor {
    /// Where a link in this folder leads to.
    ///
    /// - Parameter name: empty for a link that is open itself.
    /// - Returns: nil if there is no such link, or it takes `limit` bytes or more.
    func target(of name: StaticString, limit: Int) -> Text? {
        var target = [UInt8](repeating: 0, count: limit)
        let count = unsafe target.withUnsafeMutableBytes { bytes in
            unsafe readlinkat(
                number, cString(name), bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self),
                bytes.count)
        }
        // What fills its place may have been cut.
        guard count != -1, count < limit else { return nil }
        return Text(target.prefix(count))
    }
}
