import Agent
import DeviceCrypto
import Foundation
import LibCrypto

/// What a device has in memory while it lives, searched for every secret of its run: before each of its steps, while it
/// sends, while it sleeps, and when its run ends.
///
/// It has the agent, the work buffer, the text of its configuration and a whole stack of its own, each where it can be
/// read. A secret is found by eight bytes in a row of it (the password: by all of it), of numbers also in the order that
/// mbedTLS has them in, whoever wrote them there, and wherever a struct has them: a new property, or a new buffer, that
/// is forgotten is seen. Known are
///
/// | secret | from | may stand in |
/// |---|---|---|
/// | the password | the configuration | its text, while the run goes on |
/// | private keys | what a key keeps, or is read from | the agent, until it sleeps or ends |
/// | content keys, of requests and of replies | the messages, opened with the CA's and the device's keys | nothing |
/// | the seed of a transaction | what is stored | the agent, while the transaction is open; the stack, where compilers copy what is around it |
///
/// Not seen are what is in registers, on mbedTLS's heap (`LinuxTests.processThatWaitsHasNoKeyInMemory` searches a whole
/// process), and between two steps; the keys that PBKDF2 makes of a password, and the state of random generators, since
/// nobody out here knows them; and content keys of replies whose recipient has no RSA key.
final class DeviceMemory {
    /// Where the device has what, and what may be there at any time.
    private struct Region {
        let name: String
        let bytes: UnsafeRawBufferPointer
    }

    enum Moment: String {
        case step, sending, sleep, end
    }

    static let stackSize = 1 << 20

    let agent = UnsafeMutablePointer<Life.Device>.allocate(capacity: 1)
    let work: UnsafeMutableBufferPointer<UInt8>
    let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)
    let stack = UnsafeMutableRawBufferPointer.allocate(byteCount: stackSize, alignment: 1 << 14)

    private let password: [UInt8]
    private let secrets: Secrets
    private(set) var findings: [String] = []

    init(workSize: Int, password: String, secrets: Secrets) {
        self.secrets = secrets
        work = .allocate(capacity: workSize)
        work.initialize(repeating: 0xA5)
        text.initialize(repeating: 0)
        stack.initializeMemory(as: UInt8.self, repeating: 0)
        agent.initialize(to: Life.Device())
        self.password = [UInt8](password.utf8)
    }

    deinit {
        agent.deinitialize(count: 1)
        agent.deallocate()
        work.deallocate()
        text.deallocate()
        stack.deallocate()
    }

    // MARK: Searching

    /// - Parameter isOpen: whether a transaction is stored.
    func search(_ moment: Moment, isOpen: Bool) {
        let isEnd = moment == .end
        let hasKeys = moment == .step || moment == .sending
        let whole = UnsafeRawBufferPointer(start: agent, count: MemoryLayout<Life.Device>.size)
        look("the agent", whole, hasKeys ? [.key, .seed] : isOpen ? [.seed] : [], moment)
        look("the work buffer", UnsafeRawBufferPointer(work), [], moment)
        if isEnd { look("the configuration's text", UnsafeRawBufferPointer(text), [], moment) }
        look("the stack", usedStack, [.seed], moment)
    }

    /// From the deepest page that was ever reached: below it are more blank ones than a call passes over.
    private var usedStack: UnsafeRawBufferPointer {
        guard let base = UnsafeRawPointer(stack.baseAddress) else { return UnsafeRawBufferPointer(stack) }
        var blank = 0
        var page = deepest
        while page > 0, blank < 4 {
            page -= 1
            if memcmp(base + page * 4096, Self.blankPage, 4096) == 0 {
                blank += 1
            } else {
                (deepest, blank) = (page, 0)
            }
        }
        return UnsafeRawBufferPointer(rebasing: stack[(deepest * 4096)...])
    }

    private var deepest = stackSize / 4096
    private static let blankPage = [UInt8](repeating: 0, count: 4096)

    private func holdsPassword(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, let first = password.first else { return false }
        var place = base
        let end = base + bytes.count
        while end - place >= password.count, let found = memchr(place, Int32(first), end - place - password.count + 1) {
            if memcmp(found, password, password.count) == 0 { return true }
            place = UnsafeRawPointer(found) + 1
        }
        return false
    }

    private func look(_ name: String, _ bytes: UnsafeRawBufferPointer, _ allowed: Set<Secrets.Kind>, _ moment: Moment) {
        guard let base = bytes.baseAddress else { return }
        var found: Set<String> = []
        if holdsPassword(bytes) { found.insert("the password") }
        let secrets = secrets
        secrets.classes.withUnsafeBufferPointer { classes in
            var place = base
            let end = base + (bytes.count & ~7)
            while place < end {
                let word = place.load(as: UInt64.self)
                place += 8
                if word == 0 { continue }
                let number = Secrets.number(word)
                guard classes[number >> 6] & (1 << UInt64(number & 63)) != 0, let kind = secrets.words[word],
                    !allowed.contains(kind)
                else { continue }
                found.insert(kind.rawValue)
            }
        }
        for secret in found.sorted() {
            let finding = "\(name) holds \(secret) (\(moment.rawValue))"
            if !findings.contains(finding) { findings.append(finding) }
        }
    }
}

/// What a device has had of secrets in its life.
final class Secrets {
    enum Kind: String {
        case key = "a private key", content = "a content key", seed = "the seed of a transaction"
    }

    /// Eight bytes in a row of a secret, as a number.
    private(set) var words: [UInt64: Kind] = [:]
    /// Of 65,536 classes of such numbers, those that have one.
    private(set) var classes = [UInt64](repeating: 0, count: 1024)
    private var known: Set<[UInt8]> = []

    /// - Parameter kept: what a key keeps: see ``DeviceKey``.
    func note(key kept: [UInt8]) {
        guard known.insert(kept).inserted else { return }
        // Its public part is no secret: see `export(into:)` of both kinds.
        if kept.first == 2 {
            note(Array(kept[2..<(2 + (kept.count - 10) / 3)]), .key)
        } else {
            let primes = kept[7..<(kept.count - 8)]
            note(Array(primes.prefix(primes.count / 2)), .key)
            note(Array(primes.suffix(primes.count / 2)), .key)
        }
    }

    func note(seed: [UInt8]) { note(seed, .seed) }
    func note(contentKey: [UInt8]) { note(contentKey, .content) }

    private func note(_ secret: [UInt8], _ kind: Kind) {
        guard known.insert(secret).inserted else { return }
        for bytes in [secret, secret.reversed()] {
            var word: UInt64 = 0
            for (index, byte) in bytes.enumerated() {
                word = word >> 8 | UInt64(byte) << 56
                guard index >= 7 else { continue }
                words[word] = kind
                let number = Self.number(word)
                classes[number >> 6] |= 1 << UInt64(number & 63)
            }
        }
    }

    static func number(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word ^ word >> 29) & 0xFFFF) }
}

/// A thread with a given stack, on which a device's program runs; what is not the device's, its thread of the test does
/// in the meantime, so that it leaves nothing on that stack.
final class DeviceThread {
    private let body: () -> Void
    private var job: (() -> Void)?
    private let wantsJob = DispatchSemaphore(value: 0)
    private let hasJob = DispatchSemaphore(value: 0)

    /// Returns when `body` has.
    static func run(on stack: UnsafeMutableRawBufferPointer, _ body: @escaping (DeviceThread) -> Void) {
        guard let base = stack.baseAddress else { return }
        var itself: DeviceThread?
        let thread = DeviceThread { if let itself { body(itself) } }
        itself = thread
        defer { itself = nil }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstack(&attributes, base, stack.count)
        var number = pthread_t()
        let status = pthread_create(
            &number, &attributes,
            { pointer in
                guard let pointer else { return nil }
                let thread = Unmanaged<DeviceThread>.fromOpaque(pointer).takeUnretainedValue()
                thread.body()
                thread.wantsJob.signal()
                return nil
            }, Unmanaged.passUnretained(thread).toOpaque())
        precondition(status == 0, "no thread can be made")
        while true {
            thread.wantsJob.wait()
            guard let job = thread.job else { break }
            job()
            thread.job = nil
            thread.hasJob.signal()
        }
        pthread_join(number, nil)
    }

    private init(_ body: @escaping () -> Void) {
        self.body = body
    }

    /// Has the test's thread do something.
    func outside<Result>(_ body: @escaping () -> Result) -> Result {
        var result: Result?
        job = { result = body() }
        wantsJob.signal()
        hasJob.wait()
        guard let result else { preconditionFailure("it was not done") }
        return result
    }
}
