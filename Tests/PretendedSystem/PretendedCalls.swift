import Foundation

/// What a call of the system comes to, other than what it would come to now.
public enum PretendedOutcome: Sendable {
    /// What the system says.
    case itsOwn
    /// A signal came (signal(7)): EINTR, and nothing was done. A connection is made all the same (connect(2)).
    case interrupted
    /// With this errno, and nothing was done.
    case fails(Int32)
    /// No more bytes than these are read or written. A connection is there at once.
    case takes(Int)
}

/// The calls of ``pretending(_:of:_:)``.
public enum PretendedCall: Sendable {
    case read, write, send, pread, pwrite, fsync, connect, getrandom, waitpid, sleep
}

/// As a process can read it that was forked and may take no lock.
private struct Plan {
    var call: PretendedCall
    var outcomes: UnsafeMutablePointer<PretendedOutcome>
    var count: Int
    var next = 0
}

private let plans = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
}()

private func plan() -> UnsafeMutablePointer<Plan>? { pthread_getspecific(plans)?.assumingMemoryBound(to: Plan.self) }

func nextOutcome(of call: PretendedCall) -> PretendedOutcome? {
    guard let plan = plan(), plan.pointee.call == call, plan.pointee.next < plan.pointee.count else { return nil }
    defer { plan.pointee.next += 1 }
    return plan.pointee.outcomes[plan.pointee.next]
}

/// How many of the outcomes of ``pretending(_:of:_:)`` this thread, or a process forked from it, did not come by yet.
public func pretendedOutcomesLeft() -> Int {
    plan().map { $0.pointee.count - $0.pointee.next } ?? 0
}

/// Calls `body` where the first calls of this thread come to `outcomes`, and all that follow to what the system says.
public func pretending<Result>(
    _ outcomes: [PretendedOutcome], of call: PretendedCall, _ body: () throws -> Result
) rethrows -> Result {
    let list = UnsafeMutablePointer<PretendedOutcome>.allocate(capacity: max(outcomes.count, 1))
    list.initialize(from: outcomes, count: outcomes.count)
    let plan = UnsafeMutablePointer<Plan>.allocate(capacity: 1)
    plan.initialize(to: Plan(call: call, outcomes: list, count: outcomes.count))
    pthread_setspecific(plans, plan)
    defer {
        pthread_setspecific(plans, nil)
        list.deallocate()
        plan.deallocate()
    }
    return try body()
}

private func libraryFunction<Function>(_ name: String, as type: Function.Type) -> Function {
    unsafeBitCast(dlsym(UnsafeMutableRawPointer(bitPattern: -1), name), to: type)
}

func failing(_ number: Int32) -> Int {
    errno = number
    return -1
}

/// What a call does of `count` bytes.
private func transfer(_ call: PretendedCall, _ count: Int, _ body: (Int) -> Int) -> Int {
    switch nextOutcome(of: call) {
    case .itsOwn, nil: body(count)
    case .interrupted: failing(EINTR)
    case .fails(let number): failing(number)
    case .takes(let limit): body(min(count, limit))
    }
}

// MARK: What takes the place of the C library's in this process

private let systemRead = libraryFunction(
    "read", as: (@convention(c) (Int32, UnsafeMutableRawPointer?, Int) -> Int).self)

@_cdecl("read") public func pretendedRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    transfer(.read, count) { systemRead(file, bytes, $0) }
}

private let systemWrite = libraryFunction(
    "write", as: (@convention(c) (Int32, UnsafeRawPointer?, Int) -> Int).self)

@_cdecl("write") public func pretendedWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    transfer(.write, count) { systemWrite(file, bytes, $0) }
}

private let systemSend = libraryFunction(
    "send", as: (@convention(c) (Int32, UnsafeRawPointer?, Int, Int32) -> Int).self)

@_cdecl("send") public func pretendedSend(
    _ socket: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32
) -> Int {
    transfer(.send, count) { systemSend(socket, bytes, $0, flags) }
}

private let systemReadAt = libraryFunction(
    "pread", as: (@convention(c) (Int32, UnsafeMutableRawPointer?, Int, off_t) -> Int).self)

@_cdecl("pread") public func pretendedReadAt(
    _ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int, _ offset: off_t
) -> Int {
    transfer(.pread, count) { systemReadAt(file, bytes, $0, offset) }
}

private let systemWriteAt = libraryFunction(
    "pwrite", as: (@convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int).self)

@_cdecl("pwrite") public func pretendedWriteAt(
    _ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ offset: off_t
) -> Int {
    transfer(.pwrite, count) { systemWriteAt(file, bytes, $0, offset) }
}

private let systemRandom = libraryFunction(
    "getrandom", as: (@convention(c) (UnsafeMutableRawPointer?, Int, UInt32) -> Int).self)

@_cdecl("getrandom") public func pretendedRandom(_ bytes: UnsafeMutableRawPointer?, _ count: Int, _ flags: UInt32)
    -> Int
{
    transfer(.getrandom, count) { systemRandom(bytes, $0, flags) }
}

private let systemConnect = libraryFunction(
    "connect", as: (@convention(c) (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32).self)

@_cdecl("connect") public func pretendedConnect(
    _ socket: Int32, _ address: UnsafePointer<sockaddr>?, _ size: socklen_t
) -> Int32 {
    switch nextOutcome(of: .connect) {
    case .interrupted:
        _ = systemConnect(socket, address, size)
        return Int32(failing(EINTR))
    case .fails(let number): return Int32(failing(number))
    case .takes:
        _ = systemConnect(socket, address, size)
        var entry = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        _ = poll(&entry, 1, -1)
        errno = 0
        return 0
    case .itsOwn, nil: return systemConnect(socket, address, size)
    }
}

private let systemWait = libraryFunction(
    "waitpid", as: (@convention(c) (pid_t, UnsafeMutablePointer<Int32>?, Int32) -> pid_t).self)

@_cdecl("waitpid") public func pretendedWait(
    _ process: pid_t, _ status: UnsafeMutablePointer<Int32>?, _ options: Int32
) -> pid_t {
    switch nextOutcome(of: .waitpid) {
    case .interrupted: pid_t(failing(EINTR))
    case .fails(let number): pid_t(failing(number))
    case .itsOwn, .takes, nil: systemWait(process, status, options)
    }
}

private let systemSleep = libraryFunction(
    "clock_nanosleep",
    as: (@convention(c) (clockid_t, Int32, UnsafePointer<timespec>?, UnsafeMutablePointer<timespec>?) -> Int32).self)

/// Returns the number, where the others leave it in errno (clock_nanosleep(2)).
@_cdecl("clock_nanosleep") public func pretendedSleep(
    _ clock: clockid_t, _ flags: Int32, _ time: UnsafePointer<timespec>?, _ left: UnsafeMutablePointer<timespec>?
) -> Int32 {
    switch nextOutcome(of: .sleep) {
    case .interrupted: EINTR
    case .fails(let number): number
    case .itsOwn, .takes, nil: systemSleep(clock, flags, time, left)
    }
}
