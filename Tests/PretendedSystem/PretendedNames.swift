import Foundation

private typealias Resolve =
    @convention(c) (
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<addrinfo>?,
        UnsafeMutablePointer<UnsafeMutablePointer<addrinfo>?>?
    ) -> Int32

private let systemResolver = unsafeBitCast(
    dlsym(UnsafeMutableRawPointer(bitPattern: -1), "getaddrinfo"), to: Resolve?.self)

/// What is pretended to be known of every name, as a process can read it that was forked and may take no lock.
private struct Answer {
    var addresses: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    var count: Int
    var status: Int32
    var witness: Int32
}

private let pretendedNames = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
}()

/// Takes the place of the C library's in this process.
@_cdecl("getaddrinfo") public func pretendedResolver(
    _ host: UnsafePointer<CChar>?, _ service: UnsafePointer<CChar>?, _ hints: UnsafePointer<addrinfo>?,
    _ found: UnsafeMutablePointer<UnsafeMutablePointer<addrinfo>?>?
) -> Int32 {
    guard let systemResolver else { return EAI_SYSTEM }
    guard let place = pthread_getspecific(pretendedNames), let hints, hints.pointee.ai_flags & AI_NUMERICHOST == 0
    else { return systemResolver(host, service, hints, found) }
    let answer = place.assumingMemoryBound(to: Answer.self).pointee
    var asker = getpid()
    _ = write(answer.witness, &asker, MemoryLayout<pid_t>.size)
    guard answer.status == 0 else { return answer.status }
    if answer.count == 0 {
        while true { pause() }
    }
    var list: UnsafeMutablePointer<addrinfo>?
    var index = answer.count
    while index > 0 {
        index -= 1
        var numeric = hints.pointee
        numeric.ai_flags = AI_NUMERICHOST
        var one: UnsafeMutablePointer<addrinfo>?
        let status = systemResolver(answer.addresses[index], service, &numeric, &one)
        guard status == 0 else { return status }
        one?.pointee.ai_next = list
        list = one
    }
    found?.pointee = list
    return 0
}

/// Calls `body` where every name stands for these addresses, in this order.
///
/// - Parameters:
///   - addresses: numeric; with none the name server is silent, for ever.
///   - status: what is said instead, as getaddrinfo(3); 0 for nothing.
///   - witness: a descriptor that the number of each process is written to that asks.
public func withNames<Result, Failure: Error>(
    standingFor addresses: [String], status: Int32 = 0, witness: Int32 = -1, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let texts = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: max(addresses.count, 1))
    for (index, address) in addresses.enumerated() { texts[index] = strdup(address) }
    let answer = UnsafeMutablePointer<Answer>.allocate(capacity: 1)
    answer.initialize(to: Answer(addresses: texts, count: addresses.count, status: status, witness: witness))
    pthread_setspecific(pretendedNames, answer)
    defer {
        pthread_setspecific(pretendedNames, nil)
        for index in addresses.indices { free(texts[index]) }
        texts.deallocate()
        answer.deallocate()
    }
    return try body()
}
