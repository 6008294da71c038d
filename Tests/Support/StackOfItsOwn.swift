import Foundation

/// What a call leaves behind on its stack: it runs on a thread whose stack was blank before, and which is read,
/// as far as it was used, when the thread has ended. Heap is not seen, and neither is what was in registers.
///
/// - Parameter blank: what the stack is full of before.
public func stackLeft(blank: UInt8 = 0, by body: () throws -> Void) throws -> [UInt8] {
    let size = 1 << 20
    let stack = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1 << 14)
    stack.initializeMemory(as: UInt8.self, repeating: blank, count: size)
    defer { stack.deallocate() }
    let result = try withoutActuallyEscaping(body) { body in
        let call = Call(body)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstack(&attributes, stack, size)
        var thread = pthread_t()
        let reference = Unmanaged.passUnretained(call)
        let status = pthread_create(
            &thread, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Call>.fromOpaque(pointer).takeUnretainedValue().run()
                return nil
            }, reference.toOpaque())
        guard status == 0 else { throw CocoaError(.featureUnsupported) }
        pthread_join(thread, nil)
        return withExtendedLifetime(call) { call.result }
    }
    try result.get()
    // It grows downwards: what was never reached is blank.
    let word = UInt64(blank) * 0x0101_0101_0101_0101
    var start = 0
    while start < size, stack.load(fromByteOffset: start, as: UInt64.self) == word { start += 8 }
    return Array(UnsafeRawBufferPointer(start: stack + start, count: size - start))
}

/// Whether eight bytes in a row of a secret stand anywhere in `memory`.
public func holds(_ memory: [UInt8], partOf secret: [UInt8]) -> Bool {
    var words: Set<UInt64> = []
    for start in secret.indices.dropLast(7) {
        words.insert(secret[start..<(start + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
    return memory.withUnsafeBytes { memory in
        var word: UInt64 = 0
        for (index, byte) in memory.enumerated() {
            word = word >> 8 | UInt64(byte) << 56
            if index >= 7, word != 0, words.contains(word) { return true }
        }
        return false
    }
}

private final class Call {
    private var body: (() throws -> Void)?
    private(set) var result: Result<Void, any Error> = .success(())

    init(_ body: @escaping () throws -> Void) {
        self.body = body
    }

    func run() {
        result = Result { try body?() }
        body = nil
    }
}
