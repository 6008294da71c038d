import Foundation
import Glibc

/// Ends what was started when the program is ended.
public final class Interruption {
    private let sources: [any DispatchSourceSignal]

    public init() {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Command.endAll()
                exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}
