import CPretendedSystem
import Foundation

/// What is in the memory that a call gives back to the allocator, at the time when it does: an array that held a secret
/// and was not wiped has it still.
///
/// Memory that it gets meanwhile is blank, so that what is found was written by the call itself. What it keeps is not seen,
/// nor what other threads give back.
public func memoryFreed(by body: () throws -> Void) throws -> [UInt8] {
    // The system gives the pages as they are written to.
    let capacity = 1 << 32
    let memory = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else { throw CocoaError(.featureUnsupported) }
    defer { munmap(memory, capacity) }
    turn.lock()
    defer { turn.unlock() }
    watch_begin(memory, capacity)
    let result = Result(catching: body)
    let count = watch_end()
    try result.get()
    guard count <= capacity else { throw CocoaError(.fileReadTooLarge) }
    return Array(UnsafeRawBufferPointer(start: memory, count: count))
}

/// One call is watched at a time.
private let turn = NSLock()
