import Foundation
import Ledger

/// Programs that are run when a device is issued its certificate, verified, or failed: a label printer, a jig's lamp. What they do
/// changes nothing; one that fails, or takes more than a minute, is told of.
public struct Hooks: Sendable {
    public enum Occasion: String, Sendable, CaseIterable {
        case issued, verified, failed
    }

    private let programs: [Occasion: CommandTemplate]

    public init(_ programs: [Occasion: CommandTemplate] = [:]) { self.programs = programs }

    /// - Returns: what went wrong; nil if nothing did.
    func run(_ occasion: Occasion, _ fields: [String: String]) -> String? {
        guard let program = programs[occasion] else { return nil }
        let environment = Dictionary(
            uniqueKeysWithValues: fields.map { ("SCEP_\($0.key.uppercased().replacing("-", with: "_"))", $0.value) })
        do {
            let result = try program.run(fields, environment: environment, seconds: 60)
            if result.isLate { return "the hook for \(occasion) took more than 60 s, and was ended" }
            return result.status == 0 ? nil : "the hook for \(occasion) ended with exit code \(result.status)"
        } catch {
            return "the hook for \(occasion) cannot be started: \(error.localizedDescription)"
        }
    }
}
