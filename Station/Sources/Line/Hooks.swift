import Foundation
import Ledger
import Manifest

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

    /// What a manifest has of a device, for hooks.
    public struct Device: Sendable, Equatable {
        public let serial: String
        fileprivate let fields: [String: String]

        public init(_ device: ManifestDevice) {
            serial = device.serial
            var fields = [
                "serial": device.serial, "batch": device.batch, "profile": device.profile, "part": device.part,
                "label": device.label, "port": device.port,
            ].compactMapValues(\.self)
            for (name, value) in device.carried { fields[name] = value }
            self.fields = fields
        }

        /// Of a device of which nothing else is known.
        public init(serial: String) {
            self.serial = serial
            fields = ["serial": serial]
        }
    }

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

extension Station {
    /// Runs the hook for what happened to a device, to its end.
    ///
    /// - Parameter port: where it is plugged in; nil if it is not.
    public func hook(
        _ occasion: Hooks.Occasion, _ device: Hooks.Device, _ attempt: Attempt?, port: String? = nil
    ) {
        let known = [
            "station": actor.station, "operator": actor.person, "fingerprint": attempt?.fingerprint,
            "transaction-id": attempt?.transactionID, "cause": attempt?.cause, "sentence": attempt?.sentence,
            "attempt": attempt.map { "\($0.number)" }, "port": port,
        ].compactMapValues(\.self)
        for line in hooks.run(occasion, device.fields.merging(known) { $1 }) {
            report(.note("\(device.serial): \(line)"))
        }
    }
}
