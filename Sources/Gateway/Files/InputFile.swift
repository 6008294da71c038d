import Bytes
import CLinux
import DeviceCrypto
import LinuxBoard
import Output

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

    /// Reads text that people write. A byte order mark in front, which editors of Windows leave, is no part of it.
    static func readText(_ path: Text, limit: Int = 1 << 22) throws(Failure) -> [UInt8] {
        var text = try read(path, limit: limit)
        try checkEncoding(text, path)
        if hasMark(text) { text.removeFirst(3) }
        return text
    }

    /// Reads a password, a passphrase or a PIN: the first line of a file that nobody but its owner can read or change, or
    /// of standard input. Neither a byte order mark in front nor the line's end, LF or CRLF, is part of it.
    ///
    /// - Returns: at least one byte. The caller wipes it.
    static func readSecret(_ path: Text) throws(Failure) -> [UInt8] {
        var secret = try readSecretFile(path)
        let end = secret.firstIndex(of: UInt8(ascii: "\n")) ?? secret.count
        // What is cut off stays where it is, and is wiped with the rest.
        for index in end..<secret.count { secret[index] = 0 }
        secret.removeLast(secret.count - end)
        if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
        do throws(Failure) {
            try checkEncoding(secret, path)
        } catch {
            secret.wipe()
            throw error
        }
        if hasMark(secret) {
            for index in 3..<secret.count { secret[index - 3] = secret[index] }
            for index in (secret.count - 3)..<secret.count { secret[index] = 0 }
            secret.removeLast(3)
        }
        guard !secret.isEmpty else {
            var message = Text()
            message.append(printable: path.span)
            message.append(": the first line of this secret is empty")
            throw Failure(.usage, "secret-empty", message)
        }
        return secret
    }

    /// Whether U+FEFF stands in front, in UTF-8.
    private static func hasMark(_ text: [UInt8]) -> Bool { text.starts(with: [0xEF, 0xBB, 0xBF]) }

    /// Sees that a text is not in UTF-16, as Notepad and PowerShell may write it: half of its bytes are zero.
    private static func checkEncoding(_ text: [UInt8], _ path: Text) throws(Failure) {
        guard text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) || text.contains(0) else { return }
        var message = Text()
        message.append(printable: path.span)
        message.append(": this is UTF-16, or no text at all; save it as UTF-8")
        throw Failure(.usage, "not-utf-8", message)
    }

    /// Reads all of a file with a secret. It belongs to this user or to root; root takes another's as well, since the
    /// service's secrets are the service's. The caller wipes it.
    static func readSecretFile(_ path: Text, limit: Int = 1 << 16) throws(Failure) -> [UInt8] {
        let file = try open(path)
        defer { if file.number != STDIN_FILENO { file.close() } }
        if file.number != STDIN_FILENO {
            guard let status = file.status else {
                throw Failure(path: path, "cannot be examined", error: linux_errno())
            }
            let forbidden: mode_t = isCredential(path) ? 0o037 : 0o077
            guard status.st_mode & forbidden == 0, status.st_uid == geteuid() || status.st_uid == 0 || geteuid() == 0
            else {
                var message = Text()
                message.append(printable: path.span)
                message.append(
                    ": others may read or change this secret; let it belong to this user, and run: chmod 600 ")
                message.append(printable: path.span)
                throw Failure(.storage, "secret-exposed", message)
            }
        }
        return try readAll(file, path, limit)
    }

    /// Whether a file is a credential that systemd gave to this service: an access list lets the service read it, which
    /// looks like a group that may (systemd.exec(5), `LoadCredential=`).
    private static func isCredential(_ path: Text) -> Bool {
        guard let folder = Environment.value("CREDENTIALS_DIRECTORY"), path.count > folder.count else { return false }
        return path[..<folder.count].elementsEqual(folder) && path[folder.count] == UInt8(ascii: "/")
            && find("/..", in: path) == nil
    }

    private static func open(_ path: Text) throws(Failure) -> Descriptor {
        if path.equals("-") { return Descriptor(STDIN_FILENO) }
        let file = try OwnedPath.open(path, O_RDONLY | O_NONBLOCK)
        guard let status = file.status, Int32(status.st_mode) & S_IFMT != S_IFDIR else {
            file.close()
            throw Failure(path: path, "cannot be read", error: EISDIR)
        }
        return file
    }

    private static func tooLarge(_ path: Text, _ limit: Int) -> Failure {
        var message = Text()
        message.append(printable: path.span)
        message.append(": is larger than the ")
        message.append(decimal: limit)
        message.append(" bytes that such a file may have")
        return Failure(.storage, "file-failed", message)
    }

    private static func readAll(_ file: Descriptor, _ path: Text, _ limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        guard let status = file.status else { throw Failure(path: path, "cannot be read", error: linux_errno()) }
        // Files of the kernel's making have bytes, and no size.
        var size: Int? = 0
        if Int32(status.st_mode) & S_IFMT == S_IFREG { size = file.size(upTo: limit) }
        guard let size else { throw tooLarge(path, limit) }
        // An array that grows leaves a copy of a secret behind.
        bytes.reserveCapacity(size > 0 ? size : limit)
        do throws(Failure) {
            try read(file, path, limit, into: &bytes, size)
        } catch {
            bytes.wipe()
            throw error
        }
        return bytes
    }

    /// - Parameter size: of the file; what is added meanwhile is left. 0 where nobody knows it.
    private static func read(
        _ file: Descriptor, _ path: Text, _ limit: Int, into bytes: inout [UInt8], _ size: Int
    ) throws(Failure) {
        var chunk = InlineArray<4096, UInt8>(repeating: 0)
        defer {
            var buffer = chunk.mutableSpan
            wipe(&buffer)
        }
        while true {
            var buffer = chunk.mutableSpan
            // At its end, of no bytes none are read.
            let greatest = size > 0 ? min(buffer.count, size - bytes.count) : buffer.count
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe CLinux.read(file.number, $0.baseAddress, greatest)
            }
            if count == 0 { return }
            guard count > 0 else {
                if linux_errno() == EINTR { continue }
                throw Failure(path: path, "cannot be read", error: linux_errno())
            }
            guard bytes.count + count <= limit else { throw tooLarge(path, limit) }
            bytes.append(buffer.span.extracting(first: count))
        }
    }
}
