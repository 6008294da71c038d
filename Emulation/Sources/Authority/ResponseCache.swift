import Foundation
import Synchronization

/// What was answered, and the state that it led to.
final class ResponseCache: Sendable {
    private struct Question: Hashable {
        let version: Int
        let now: Date
        let request: Request
    }

    private struct Known {
        let answer: Answer
        let event: LogEvent
        let after: Authority.State
    }

    /// All is forgotten when there is more.
    private static let limit = 4096
    private let known = Mutex<[Question: Known]>([:])
    /// Held while an answer is worked out, so that the state after it is its own doing.
    private let turn = Mutex(())

    func recall(_ request: Request, of authority: Authority) -> (Answer, LogEvent) {
        turn.withLock { _ in
            let before = authority.state.withLock { $0.version }
            let question = Question(version: before, now: authority.now, request: request)
            if let known = known.withLock({ $0[question] }) {
                authority.state.withLock { $0 = known.after }
                return (known.answer, known.event)
            }
            let (answer, event) = authority.workOut(request)
            let known = Known(answer: answer, event: event, after: authority.state.withLock { $0 })
            self.known.withLock { all in
                if all.count >= Self.limit { all.removeAll() }
                all[question] = known
            }
            return (answer, event)
        }
    }
}
