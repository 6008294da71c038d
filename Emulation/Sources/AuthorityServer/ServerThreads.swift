import Foundation

/// Threads on which servers run, and nothing else.
///
/// A server in the process of the tests would wait for the threads that Swift's tasks share, one a processor, and
/// tests block those: each waits for a program that may itself be waiting for the server.
final class ServerThreads: TaskExecutor {
    static let shared = ServerThreads(count: 4)

    private let condition = NSCondition()
    private nonisolated(unsafe) var jobs: [UnownedJob] = []

    private init(count: Int) {
        for number in 0..<count {
            let thread = Thread { self.work() }
            thread.name = "server \(number)"
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    private func work() -> Never {
        while true {
            let job = condition.withLock {
                while jobs.isEmpty { condition.wait() }
                return jobs.removeFirst()
            }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
