import Emulator
import Foundation

/// What is tried: `ORACLE_COUNT` is the number of messages (3000), `ORACLE_SEED` chooses among them (1). Keys, and what
/// OpenSSL draws, are new in each run, so a difference is told with the message itself.
enum Trial {
    private static let environment = ProcessInfo.processInfo.environment
    static let seed = environment["ORACLE_SEED"].flatMap { UInt64($0) } ?? 1
    static let count = environment["ORACLE_COUNT"].flatMap { Int($0) } ?? 3000

    /// One for each test, whatever runs beside it.
    static func generator(_ name: String) -> SplitMix64 {
        SplitMix64(seed: name.utf8.reduce(seed) { ($0 &* 31) &+ UInt64($1) })
    }
}
