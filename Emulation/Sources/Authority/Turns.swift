import Foundation

/// Lets one at a time in under each name: the others wait.
final class Turns: Sendable {
    private let condition = NSCondition()
    private nonisolated(unsafe) var taken: Set<String> = []

    func take<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        condition.withLock {
            while !taken.insert(name).inserted { condition.wait() }
        }
        defer {
            condition.withLock {
                taken.remove(name)
                condition.broadcast()
            }
        }
        return try body()
    }
}
