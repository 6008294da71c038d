import Foundation

/// Runs `stop` at the first SIGINT or SIGTERM; a second one ends the program as it would without this.
func onSignals(_ stop: @escaping @Sendable () -> Void) -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            signal(number, SIG_DFL)
            stop()
        }
        source.resume()
        return source
    }
}
