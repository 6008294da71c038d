import Foundation
import Ledger

/// Programs that are run when a device is issued its certificate, verified, or failed: a label printer, a jig's lamp. What they do
/// changes nothing; one that fails, or takes more than a minute, is told of.
public struct Hooks: Sendable {
    public enum Occasion: String, Sendable, CaseIterable {
        case issued, verified, failed
    }

    /// What may be put into their arguments, and stands in their environment; `x-…`: any column that begins so.
    public static let names = [
        "serial", "batch", "profile", "part", "label", "port", "station", "operator", "fingerprint", "transaction-id",
        "cause", "sentence", "attempt", "x-…",
    ]

    private let programs: [Occasion: CommandTemplate]

    public init(_ programs: [Occasion: CommandTemplate] = [:]) { self.programs = programs }

    /// - Returns: what it wrote to standard error, and what went wrong.
    func run(_ occasion: Occasion, _ fields: [String: String]) -> [String] {
        guard let program = programs[occasion] else { return [] }
        let environment = Dictionary(
            uniqueKeysWithValues: fields.map { ("SCEP_\($0.key.uppercased().replacing("-", with: "_"))", $0.value) })
        do {
            let result = try program.run(fields, environment: environment, seconds: 60)
            var said = result.complaints.map { "the hook for \(occasion) says: \($0)" }
            if result.isLate {
                said.append("the hook for \(occasion) took more than 60 s, and was ended")
            } else if result.status != 0 {
                said.append("the hook for \(occasion) ended with exit code \(result.status)")
            }
            return said
        } catch {
            return ["the hook for \(occasion) cannot be started: \(error)"]
        }
    }
}
