import Foundation

/// What a process can write to, a part each. Only root may read the memory of one that forbids it.
///
/// - Parameter sizes: those of the parts that are wanted, in bytes; all when nil.
public func writableMemory(of process: Int32, sizes: [Int]? = nil) throws -> [Data] {
    // To its end: the kernel gives a page at a time, and what reads a file at once takes the first for all there is.
    let list = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/maps"))
    defer { try? list.close() }
    let maps = String(decoding: try list.readToEnd() ?? Data(), as: UTF8.self)
    let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/mem"))
    defer { try? file.close() }
    return try maps.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        let ends = words[0].split(separator: "-").compactMap { Int($0, radix: 16) }
        guard words[1].hasPrefix("rw"), ends.count == 2 else { return nil }
        let size = ends[1] - ends[0]
        guard sizes?.contains(size) != false else { return nil }
        var part = Data(count: size)
        let count = part.withUnsafeMutableBytes { pread(file.fileDescriptor, $0.baseAddress, size, ends[0]) }
        // The process has given it back meanwhile, or it is no memory.
        if count < 0, errno == EIO { return nil }
        guard count >= 0 else { throw CocoaError(.fileReadUnknown) }
        return part.prefix(count)
    }
}

/// By what the first RSA-2048 key in a store (Docs/Storage.md) is known where it was not wiped: the beginnings of its prime
/// factors, as they are stored and as mbedTLS has numbers on this machine. Nil if there is none.
public func tracesOfKey(in store: [UInt8]) -> [Data]? {
    // RSA, 2048 bits, exponent 65537.
    guard let start = store.firstRange(of: [1, 8, 0, 0, 1, 0, 1])?.upperBound, store.count >= start + 256 else {
        return nil
    }
    return [store[start..<(start + 128)], store[(start + 128)..<(start + 256)]].flatMap { prime in
        [Data(prime.prefix(24)), Data(prime.reversed().prefix(24))]
    }
}
