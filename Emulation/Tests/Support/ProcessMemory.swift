import Foundation

/// What a process can write to, a part each. Only root may read the memory of one that forbids it.
public func writableMemory(of process: Int32) throws -> [Data] {
    let maps = try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)
    let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/mem"))
    defer { try? file.close() }
    return try maps.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        guard words[1].hasPrefix("rw"), ends.count == 2 else { return nil }
        do {
            try file.seek(toOffset: ends[0])
            return try file.read(upToCount: Int(ends[1] - ends[0]))
        } catch let error as CocoaError where (error.underlying as? POSIXError)?.code == .EIO {
            // The process has given it back meanwhile.
            return nil
        }
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
