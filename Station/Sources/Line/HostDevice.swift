import Foundation
import Ledger
import Manifest
import Provisioning

/// One device whose key the station makes, from planned to delivered or verified.
struct HostDevice {
    /// What is to be done with it next.
    enum Next: Equatable {
        case ended(DeviceResult)
        /// Again, in so many seconds.
        case again(seconds: Double)
        /// The station stops.
        case stopped
    }

    let device: ManifestDevice
    let station: Station
    /// As the ledger gave it out; nil before it was claimed.
    private(set) var attempt: Attempt?
    private var tries = 0

    init(_ device: ManifestDevice, _ station: Station) {
        self.device = device
        self.station = station
    }

    /// Goes as far as it can without waiting.
    ///
    /// - Throws: ``LedgerError``: what was done last may not be recorded, and is found again by the next run.
    mutating func proceed() throws -> Next {
        if let result = try claim() { return .ended(result) }
        do {
            if attempt?.state == .issued || attempt?.state == .delivered { return try deliver() }
            guard station.gate.enter() else { return .stopped }
            return try enrol()
        } catch let error as StepError {
            return try given(up: error)
        } catch let failure as CommandFailure {
            return try failed(failure.cause)
        }
    }

    /// - Returns: why there is nothing to do; nil if there is.
    private mutating func claim() throws -> DeviceResult? {
        if let attempt {
            self.attempt = try station.ledger.extend(attempt, lease: station.lease)
            return nil
        }
        // It waits for its own word, which comes another way.
        if station.verification == nil, try station.ledger.lastAttempt(of: device.serial)?.state == .delivered {
            try station.work.wipe(device.serial)
            tellMissing()
            return .done
        }
        let result = try station.ledger.claim(device.serial, port: nil, lease: station.lease, by: station.actor)
        switch result {
        case .begun(let attempt), .resumed(let attempt):
            self.attempt = attempt
            // Of this attempt there is nothing yet: what is there is of one before, whose transaction must not go on as this one's.
            if attempt.number > 1, attempt.state == .claimed { try station.work.wipe(device.serial) }
        case .verified:
            try wipeAll()
            return .done
        case .ended(let attempt):
            try wipeAll()
            return .decided(attempt.state)
        case .busy, .keyElsewhere, .needsRework, .unknown, .quotaReached: break
        }
        if let refusal = result.refusal { return .skipped(refusal) }
        station.report(.began(serial: device.serial))
        return nil
    }

    /// Nobody has use for what is here of the device's key; a cut may have left it.
    private func wipeAll() throws {
        try station.work.wipe(device.serial)
        try station.delivery.folder.wipe(device.serial)
    }

    private mutating func record(_ step: AttemptStep) throws {
        guard let held = attempt else { return }
        attempt = try station.ledger.record(step, of: held, by: station.actor)
        if let state = attempt?.state, state != held.state { station.report(.step(serial: device.serial, state)) }
    }

    private mutating func enrol() throws -> Next {
        var reachedCA = false
        defer { station.gate.leave(reachedCA: reachedCA) }
        var text: [UInt8]
        do {
            text = try configuration()
        } catch {
            // The CA was not asked, and is not to be blamed.
            reachedCA = true
            throw error
        }
        let began = attempt
        let run = try HostEnrolment(station.work).run(
            serial: device.serial, configuration: &text, continues: began?.transactionID
        ) { try record($0) }
        reachedCA = run.reachedCA
        switch run.outcome {
        case .issued:
            hook(.issued)
            return try deliver()
        case .pending(let seconds): return .again(seconds: Double(seconds))
        case .refused(let cause): return try failed(cause)
        case .failed(let cause):
            guard run.reachedCA else {
                let url = device.configuration.first { $0.name == "url" }?.value ?? ""
                station.report(.note("the CA is away, and all wait for it (\(url)): \(cause.sentence)"))
                return .again(seconds: 1)
            }
            tries += 1
            return tries < station.tries ? .again(seconds: pow(2, Double(tries))) : try failed(cause)
        }
    }

    private func configuration() throws -> [UInt8] {
        guard let challenge = station.challenge else { return device.text() }
        return device.text(
            challenge: try station.work.challenge(of: device.serial) {
                try challenge.fetch(["serial": device.serial, "batch": device.batch ?? ""], report: tell)
            })
    }

    private mutating func deliver() throws -> Next {
        if attempt?.state == .issued {
            var text = try configuration()
            do {
                let place = try station.delivery.deliver(device, from: station.work, configuration: &text)
                try record(.delivered(to: place.path))
            } catch let error as DeliveryError {
                return try failed(
                    FailureCause(kind: "not-delivered", sentence: "\(error)", excludesCertificate: false))
            }
        }
        tellMissing()
        // What was handed over is not kept a second time.
        try station.work.wipe(device.serial)
        guard let verification = station.verification else {
            // Nobody is at it any more: a person may verify, rework or scrap it.
            if let attempt { try station.ledger.extend(attempt, lease: -1) }
            return .ended(.delivered)
        }
        return try verify(verification)
    }

    private func tellMissing() {
        let files = station.delivery.missing(of: device.serial)
        if !files.isEmpty { station.report(.missing(serial: device.serial, files: files)) }
    }

    private mutating func verify(_ command: CommandTemplate) throws -> Next {
        let values = [
            "serial": device.serial, "folder": station.delivery.place(of: device.serial).path,
            "batch": device.batch ?? "",
        ]
        let result: CommandTemplate.Result
        do {
            result = try command.run(values, seconds: 300, limit: 1 << 20)
            for complaint in result.complaints { tell("the verify-command says: \(complaint)") }
        } catch {
            return try unverified("the verify-command cannot be started: \(error)")
        }
        guard let fingerprint = EventLine.last(in: result.output)?.fingerprint else {
            return try unverified(
                result.isLate
                    ? "it named no certificate in 300 s"
                    : "the verify-command wrote no event line with a fingerprint, and ended with exit code \(result.status)"
            )
        }
        try record(.verified(fingerprint: fingerprint, by: "event line, by the verify-command"))
        try station.delivery.folder.wipe(device.serial)
        hook(.verified)
        return .ended(.verified)
    }

    /// The device has its certificate, as far as anybody knows: a jig that is broken is no failure of its.
    private mutating func unverified(_ reason: String) throws -> Next {
        tries += 1
        if tries < station.tries {
            station.report(.note("\(device.serial) is not verified yet: \(reason)"))
            return .again(seconds: pow(2, Double(tries)))
        }
        if let attempt { _ = try station.ledger.extend(attempt, lease: -1) }
        return .ended(.skipped("it was handed over, and is not verified: \(reason)"))
    }

    private mutating func failed(_ cause: FailureCause) throws -> Next {
        try record(.failed(cause))
        if attempt?.mayHaveCertificate == false { try station.work.wipe(device.serial) }
        hook(.failed)
        return .ended(.failed(cause))
    }

    /// What the ledger does not take ends this device, here; another station may have it.
    private mutating func given(up error: StepError) throws -> Next {
        if case .lost = error { return .ended(.skipped("\(error)")) }
        return try failed(
            FailureCause(kind: "not-recorded", sentence: "\(error)", excludesCertificate: false))
    }

    private func hook(_ occasion: Hooks.Occasion) { station.hook(occasion, Hooks.Device(device), attempt) }

    private func tell(_ text: String) { station.report(.note("\(device.serial): \(text)")) }
}
