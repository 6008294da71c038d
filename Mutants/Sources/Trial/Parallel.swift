import Foundation
import Synchronization

/// Work on several threads.
struct Parallel: Sendable {
    let threads: Int

    /// - Returns: what `body` made of each, in their order.
    func map<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) throws -> Result
    ) throws -> [Result] {
        let results = Shared<[Int: Result]>([:])
        let failure = Shared<(any Error)?>(nil)
        let next = Counter()
        // Each waits for a program, so that there may be more of them than processors.
        let all = DispatchGroup()
        for _ in 0..<threads {
            all.enter()
            let thread = Thread {
                defer { all.leave() }
                while failure.value.withLock({ $0 == nil }) {
                    let index = next.next() - 1
                    guard index < elements.count else { return }
                    do {
                        let result = try body(elements[index])
                        results.value.withLock { $0[index] = result }
                    } catch {
                        failure.value.withLock { $0 = error }
                    }
                }
            }
            thread.start()
        }
        all.wait()
        if let error = failure.value.withLock({ $0 }) { throw error }
        return results.value.withLock { results in elements.indices.compactMap { results[$0] } }
    }
}
