import TestSupport

extension Remains {
    /// Runs `body` on this thread, and searches what it gives back of the heap (``memoryFreed(by:)``), and nothing else.
    public static func onHeap(of body: () throws -> Void) throws -> Remains { Remains(left: try memoryFreed(by: body)) }

    /// Runs `body`, and searches what it gives back of the heap too.
    ///
    /// - Throws: what it throws, and if there is no thread.
    public static func onStackAndHeap(of body: () throws -> Void) throws -> Remains {
        var freed: [UInt8] = []
        let stack = try stackLeft { freed = try memoryFreed(by: body) }
        return Remains(left: stack + freed)
    }
}
