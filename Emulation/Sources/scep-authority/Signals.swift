import Dispatch
import Foundation

/// SIGINT and SIGTERM, caught from the moment this is made.
struct Signals {
    private let arrivals: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        self.arrivals = arrivals
        // A reader of the log that left must not stop the server.
        signal(SIGPIPE, SIG_IGN)
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { arrival.yield() }
            source.resume()
            return source
        }
    }

    /// Returns at the first of them.
    func wait() async {
        for await _ in arrivals { break }
        for source in sources { source.cancel() }
    }
}
