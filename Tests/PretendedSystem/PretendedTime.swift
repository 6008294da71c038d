import Foundation

private typealias ReadClock = @convention(c) (clockid_t, UnsafeMutablePointer<timespec>?) -> Int32

private let systemClock = unsafeBitCast(
    dlsym(UnsafeMutableRawPointer(bitPattern: -1), "clock_gettime"), to: ReadClock?.self)

/// On each thread, what ``atTime(_:_:)`` has its clock say. No lock, which a process that was forked could find closed.
private let pretendedTime = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
}()

/// Takes the place of the C library's in this process.
@_cdecl("clock_gettime") public func pretendedClock(_ clock: clockid_t, _ time: UnsafeMutablePointer<timespec>?)
    -> Int32
{
    if clock == CLOCK_REALTIME, let pretended = pthread_getspecific(pretendedTime) {
        time?.pointee = pretended.assumingMemoryBound(to: timespec.self).pointee
        return 0
    }
    return systemClock?(clock, time) ?? -1
}

/// Calls `body` on a machine whose clock says that so many seconds have passed since 1970.
public func atTime<Result>(_ seconds: Int, _ body: () throws -> Result) rethrows -> Result {
    let time = UnsafeMutablePointer<timespec>.allocate(capacity: 1)
    time.initialize(to: timespec(tv_sec: seconds, tv_nsec: 0))
    pthread_setspecific(pretendedTime, time)
    defer {
        pthread_setspecific(pretendedTime, nil)
        time.deallocate()
    }
    return try body()
}
