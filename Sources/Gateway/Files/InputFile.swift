import CLinux
import LinuxBoard

/// Files that an operator names, and standard input, which `-` stands for.
enum InputFile {
    /// Reads a file that may be anybody's.
    ///
    /// - Parameter limit: bytes; a larger file is refused.
    static func read(_ path: Text, limit: Int = 1 << 22) throws(Failure) -> [UInt8] {
        let file = try open(path)
        defer { if file.number != STDIN_FILENO { file.close() } }
        return try readAll(file, path, limit)
    }

    /// Reads a secret: a file that nobody but its owner can read or change, or standard input.
    ///
    /// - Returns: the content without one line ending at its end. The caller wipes it.
    static func readSecret(_ path: Text, limit: Int = 4096) throws(Failure) -> [UInt8] {
        let file = try open(path)
        defer { if file.number != STDIN_FILENO { file.close() } }
        if file.number != STDIN_FILENO {
            guard let status = file.status else {
                throw Failure(path: path, "cannot be examined", error: linux_errno())
            }
            guard status.st_mode & 0o077 == 0 else {
                var message = Text()
                message.append(printable: path.span)
                message.append(": others than its owner may read or change this secret; run: chmod 600 ")
                message.append(printable: path.span)
                throw Failure(.storage, "secret-exposed", message)
            }
        }
        var secret = try readAll(file, path, limit)
        if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
        if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
        return secret
    }

    private static func open(_ path: Text) throws(Failure) -> Descriptor {
        if path.equals("-") { return Descriptor(STDIN_FILENO) }
        guard let file = Descriptor(path: path.terminated.span, O_RDONLY | O_NONBLOCK, followsLinks: true) else {
            throw Failure(path: path, "cannot be read", error: linux_errno())
        }
        guard let status = file.status, Int32(status.st_mode) & S_IFMT != S_IFDIR else {
            file.close()
            throw Failure(path: path, "cannot be read", error: EISDIR)
        }
        return file
    }

    private static func readAll(_ file: Descriptor, _ path: Text, _ limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = InlineArray<4096, UInt8>(repeating: 0)
        while true {
            var room = chunk.mutableSpan
            let count = unsafe room.withUnsafeMutableBytes { unsafe CLinux.read(file.number, $0.baseAddress, $0.count) }
            if count == 0 { break }
            guard count > 0 else {
                if linux_errno() == EINTR { continue }
                throw Failure(path: path, "cannot be read", error: linux_errno())
            }
            guard bytes.count + count <= limit else { throw Failure(path: path, "is too large", error: EFBIG) }
            bytes.append(room.span.extracting(first: count))
        }
        return bytes
    }
}
