import Foundation

/// Bytes of the heap that a call keeps each time, on average.
///
/// It runs in a process of its own, in which nothing else asks for memory. What the allocator knows of itself (malloc_info(3))
/// is what counts, several times: what is kept once, such as a buffer for files, is in one of them alone.
///
/// - Parameters:
///   - rounds: how often it is counted.
///   - times: how often `body` is called each time: fewer for what takes long.
public func heapKept(rounds: Int = 4, times: Int = 32, by body: () throws -> Void) throws -> Int {
    struct Failure: Error {}
    typealias Fork = @convention(c) () -> pid_t
    typealias Information = @convention(c) (Int32, UnsafeMutableRawPointer?) -> Int32
    // Swift hides fork, which is unsafe where there are threads, and has no header of the other.
    guard let fork = unsafeBitCast(dlsym(nil, "fork"), to: Fork?.self),
        let information = unsafeBitCast(dlsym(nil, "malloc_info"), to: Information?.self)
    else { throw Failure() }
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure() }
    let child = fork()
    if child == 0 {
        var result = Int.min
        var kept: [Int] = []
        _ = try? body()
        for _ in 0..<rounds {
            guard let before = heapInUse(information), (try? (0..<times).forEach { _ in try body() }) != nil,
                let after = heapInUse(information)
            else { break }
            kept.append((after - before) / times)
        }
        if kept.count == rounds { result = kept.min() ?? result }
        _ = write(ends[1], &result, MemoryLayout<Int>.size)
        _exit(0)
    }
    close(ends[1])
    defer { close(ends[0]) }
    var result = Int.min
    let count = child > 0 ? read(ends[0], &result, MemoryLayout<Int>.size) : 0
    while child > 0, waitpid(child, nil, 0) < 0, errno == EINTR {}
    guard count == MemoryLayout<Int>.size, result != .min else { throw Failure() }
    return result
}

/// What the allocator has from the system, less what it has free.
private func heapInUse(_ information: @convention(c) (Int32, UnsafeMutableRawPointer?) -> Int32) -> Int? {
    var text = [CChar](repeating: 0, count: 1 << 16)
    guard let file = fmemopen(&text, text.count, "w") else { return nil }
    guard information(0, UnsafeMutableRawPointer(file)) == 0, fclose(file) == 0 else { return nil }
    // The totals of all arenas come last.
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    func size(_ kind: String) -> Int? {
        guard let start = words.range(of: "type=\"\(kind)\"", options: .backwards),
            let size = words.range(of: "size=\"", range: start.upperBound..<words.endIndex)
        else { return nil }
        return Int(words[size.upperBound...].prefix { $0.isNumber })
    }
    guard let system = size("current"), let mapped = size("mmap"), let fast = size("fast"), let rest = size("rest")
    else {
        return nil
    }
    return system + mapped - fast - rest
}
