import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import Ledger
import Line
import LinuxBoard
import PKIX
import Provisioning
import RelayHost

/// One port of the line: whatever device is plugged in there is asked who it is, relayed to its CA, and verified.
///
/// All but hooks on one thread, which never waits for the device.
final class Port {
    private let address: PortAddress
    private let station: Station
    private let trust: CATrust
    private let device: (String) -> PortDevice?
    private var relay = Port.newRelay()
    private let clock = SystemClock()
    private var upstream: Upstream

    /// Who is plugged in, and what the ledger has of it; nil if nobody, or somebody who is not to be served.
    private var current: (device: PortDevice, attempt: Attempt)?
    /// The stream that the device has open, and what came of its request.
    private var stream: Int?
    private var request: [UInt8] = []
    /// A request that waits for its turn at the CA.
    private var waiting: [UInt8]?
    private var isAtCA = false
    /// What came of the reply to a request for a certificate.
    private var reply: [UInt8] = []
    private var hasReply: Bool { !reply.isEmpty }
    /// Whether the CA's last answer was a FAILURE.
    private var isRefused = false
    /// The certificate that was read back, while the CA does not say whether it is its own, and when it is asked again.
    private var unverified: (der: [UInt8], due: UInt64)?
    /// What the device said last went wrong.
    private var failure: FailureCause?
    /// What is to go out to the device.
    private var output: ArraySlice<UInt8> = []
    private var stuckSince: UInt64?
    /// A label printer may take its time.
    private let hooks = DispatchQueue(label: "hooks of a port")

    /// - Parameter device: gives what is planned for a serial; nil for one that is not planned.
    init(
        _ address: PortAddress, _ station: Station, _ trust: CATrust, device: @escaping (String) -> PortDevice?
    ) throws {
        self.address = address
        self.trust = trust
        self.station = station
        self.device = device
        var random = RandomGenerator()
        defer { random.wipe() }
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        upstream = try Upstream(random: &random)
    }

    /// Serves the port until `isStopped`; one that is away is tried again each second.
    func run(until isStopped: () -> Bool) {
        var isAway = false
        while !isStopped() {
            do {
                let line = try SerialDevice(address)
                if isAway { note("it is back") }
                isAway = false
                serve(line, until: isStopped)
                leave()
            } catch {
                if !isAway { note("\(error)") }
                isAway = true
            }
            if !isStopped() { usleep(500_000) }
        }
        hooks.sync {}
    }

    private func note(_ text: String) { station.report(.note("port \(address.name): \(text)")) }

    /// Moves bytes until the line is gone.
    private func serve(_ line: borrowing SerialDevice, until isStopped: () -> Bool) {
        while !isStopped() {
            var entry = pollfd(fd: line.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, isAtCA || waiting != nil || !output.isEmpty ? 5 : 50)
            guard let bytes = line.read() else { return note("the line is gone") }
            let outcome = relay.step(bytes, at: clock.uptime)
            for event in outcome.events { follow(event) }
            askCA()
            relayReply()
            if let held = unverified, clock.uptime >= held.due { finish(held.der) }
            output += outcome.bytes + relay.step(at: clock.uptime).bytes
            guard let count = line.write(output) else { return note("the line is gone") }
            output = output.dropFirst(count)
            guard isTaking(count) else { return note("the adapter takes nothing any more") }
        }
    }

    /// Whether the adapter takes what is written to it; one that does not for ten seconds is opened anew.
    private func isTaking(_ count: Int) -> Bool {
        guard !output.isEmpty, count == 0 else {
            stuckSince = nil
            // What the device did not hear by now is sent again.
            if output.count > 4_096 { output = [] }
            return true
        }
        let since = stuckSince ?? clock.uptime
        stuckSince = since
        return clock.uptime < since + 10_000
    }

    private static func newRelay() -> RelayStation { RelayStation(session: .random(in: 1 ... .max)) }

    /// Whoever is at the other end next, and be it the same device in the same session, is asked anew who it is.
    private func leave() {
        endStream()
        current = nil
        output = []
        stuckSince = nil
        relay = Self.newRelay()
    }

    // MARK: What the device says

    private func follow(_ event: RelayStation.Event) {
        switch event {
        case .hello(let serial): greet(serial)
        case .unsupported(let version):
            note("the device speaks version \(version) of the relay: update this station, or its firmware")
        case .lost: endStream()
        case .open(let number):
            endStream()
            guard current != nil else { return relay.opened(number, .refused) }
            stream = number
            relay.opened(number)
        case .data(let bytes, let number): if number == stream { take(bytes) }
        case .closed: endStream()
        case .line(let bytes): take(line: String(decoding: bytes, as: UTF8.self))
        case .certificate(let der): finish(der)
        }
    }

    private func greet(_ serial: String) {
        (failure, isRefused, unverified) = (nil, false, nil)
        guard let planned = device(serial) else {
            // None of the line's devices is worse for it.
            current = nil
            note("\(serial): no manifest has it, or its key is not to be made in the device")
            return relay.finish()
        }
        if let port = planned.port, port != address.name {
            return refuse(serial, "the manifest has it at port \(port)")
        }
        do {
            let result = try station.ledger.claim(
                serial, port: address.name, lease: station.lease, by: station.actor)
            switch result {
            case .begun(let attempt), .resumed(let attempt):
                current = (planned, attempt)
                station.report(.began(serial: serial, port: address.name))
                // It may have ended its run, and told nobody; if it has not, this is answered when it has.
                if attempt.state != .claimed, attempt.state != .key { relay.readCertificate() }
            case .verified(let attempt):
                current = (planned, attempt)
                relay.readCertificate()
            case .ended(let attempt): end(planned, .decided(attempt.state))
            default: if let refusal = result.refusal { refuse(serial, refusal) }
            }
        } catch {
            refuse(serial, "\(error)")
        }
    }

    private func refuse(_ serial: String, _ reason: String) {
        current = nil
        station.report(.ended(serial: serial, port: address.name, .skipped("port \(address.name): \(reason)")))
        relay.finish()
    }

    private func take(line: String) {
        station.report(.console(port: address.name, serial: current?.device.serial, line: line))
        guard let attempt = current?.attempt, attempt.state.isOpen || attempt.state == .verified else { return }
        if line == "done" {
            relay.readCertificate()
        } else if let said = ConsoleError(line) {
            // That the CA refused it is believed if it was seen, too.
            failure = FailureCause(
                kind: said.kind, sentence: said.sentence, excludesCertificate: said.kind == "refused" && isRefused)
            relay.readCertificate()
        }
    }

    private func take(_ bytes: [UInt8]) {
        guard let planned = current?.device, waiting == nil, !isAtCA else { return }
        request += bytes
        do throws(RelayedRequest.Failure) {
            guard let whole = try RelayedRequest(request, path: Self.path(of: planned.ca.url)) else { return }
            if whole.operation == "PKIOperation" {
                guard let facts = PKIRequest(whole.message) else {
                    return breakOff("the device sent a pkiMessage that it did not sign")
                }
                guard !isRenewal(facts) else {
                    // Of its certificate nothing is known to be wrong.
                    return breakOff(
                        "\(planned.serial) asks for the renewal of its certificate, and a line relays none: it renews where it is used; if none should be due, see `renew` and its clock"
                    )
                }
                guard current?.attempt.state != .verified else {
                    breakOff(nil)
                    return fail(
                        FailureCause(
                            kind: "second-device",
                            sentence:
                                "\(planned.serial) was verified, and a device asks for another certificate under that name: find out which is which, then rework it",
                            excludesCertificate: false))
                }
                guard isToBeSent(facts) else { return }
            }
            waiting = whole.encoding(to: planned.ca.url)
            if waiting == nil { breakOff("\(planned.ca.url) is no URL of a server") }
        } catch {
            breakOff("\(error)")
        }
    }

    /// Whether a device that has its certificate wants the next: a certificate that nobody would know of. It says so by the type, or
    /// signs with the key that its certificate is for.
    private func isRenewal(_ facts: PKIRequest) -> Bool {
        guard facts.messageType != 17 else { return true }
        return facts.messageType == 19 && current?.attempt.state == .verified
            && current?.attempt.publicKey == facts.publicKey
    }

    /// Records what a pkiMessage may come to, before it is sent.
    private func isToBeSent(_ facts: PKIRequest) -> Bool {
        switch facts.messageType {
        case 19:
            guard record(.key(publicKey: facts.publicKey, isHere: false)),
                record(.requested(transactionID: facts.transactionID))
            else {
                breakOff(nil)
                return false
            }
        case 20:
            guard record(.requested(transactionID: facts.transactionID)) else {
                breakOff(nil)
                return false
            }
        // GetCert and GetCRL have nothing issued.
        case 21, 22: break
        case let other:
            breakOff("the device sent a pkiMessage of type \(other), and no line has use for it")
            return false
        }
        return true
    }

    private func breakOff(_ reason: String?) {
        if let reason { note(reason) }
        guard let stream else { return }
        relay.close(stream, .reset)
        endStream()
    }

    private static func path(of url: String) -> String {
        let rest = url.drop { $0 != ":" }.dropFirst(3)
        let path = rest.drop { $0 != "/" && $0 != "?" }.prefix { $0 != "?" }
        return path.isEmpty ? "/" : String(path)
    }

    // MARK: The CA

    /// Sends a request that waits, when its turn has come.
    private func askCA() {
        guard let waiting, let current, let stream, station.gate.tryToEnter() else { return }
        self.waiting = nil
        isAtCA = true
        do throws(TransportError) {
            try upstream.send(waiting, to: current.device.ca.url)
        } catch {
            note("the CA is away: \(error)")
            relay.close(stream, error)
            endStream()
        }
    }

    private func relayReply() {
        guard isAtCA, let stream, relay.queuedBytes < 4_096 else { return }
        do throws(TransportError) {
            guard let bytes = try upstream.receive() else { return }
            if bytes.isEmpty {
                relay.close(stream)
                endStream()
            } else {
                if reply.count < RelayedRequest.limit { reply += bytes }
                relay.send(bytes, on: stream)
            }
        } catch {
            relay.close(stream, error)
            endStream()
        }
    }

    /// Sees what the CA said to a request: that is signed, and not encrypted.
    private func takeReply() {
        guard let attempt = current?.attempt, let said = PKIReply(http: reply),
            said.transactionID == attempt.transactionID
        else { return }
        isRefused = said.status == 2
        if said.status == 3 { record(.pending) }
    }

    private func endStream() {
        // Whoever has all of it may end the stream first: the device, or its CA.
        takeReply()
        upstream.close()
        if isAtCA { station.gate.leave(reachedCA: hasReply) }
        (stream, waiting, isAtCA) = (nil, nil, false)
        (request, reply) = ([], [])
    }

    // MARK: The record

    /// - Returns: whether it is recorded; if not, the device is served no further.
    @discardableResult
    private func record(_ step: AttemptStep) -> Bool {
        guard let (planned, attempt) = current else { return false }
        do {
            let next = try station.ledger.record(step, of: attempt, by: station.actor)
            current = (planned, next)
            if next.state != attempt.state { station.report(.step(serial: planned.serial, next.state)) }
            return true
        } catch let error as StepError {
            fail(FailureCause(kind: "not-recorded", sentence: "\(error)", excludesCertificate: false))
        } catch {
            note("\(planned.serial): \(error)")
        }
        return false
    }

    private func fail(_ cause: FailureCause) {
        guard let (planned, attempt) = current else { return }
        if attempt.state.isOpen,
            let failed = try? station.ledger.record(.failed(cause), of: attempt, by: station.actor)
        {
            hook(.failed, planned, failed)
        }
        end(planned, .failed(cause))
    }

    private func end(_ planned: PortDevice, _ result: DeviceResult) {
        current = nil
        station.report(.ended(serial: planned.serial, port: address.name, result))
        relay.finish()
    }

    /// Holds the certificate that was read back against what is known of the device.
    private func finish(_ der: [UInt8]?) {
        guard let (planned, attempt) = current else { return }
        guard let der, let certificate = IssuedRecord(der: der) else {
            return fail(
                failure
                    ?? FailureCause(
                        kind: "no-certificate", sentence: "the device has no certificate", excludesCertificate: false))
        }
        if attempt.state == .verified {
            let isSame = attempt.fingerprint == certificate.fingerprint
            return end(
                planned,
                isSame
                    ? .done
                    : .failed(
                        FailureCause(
                            kind: "other-certificate",
                            sentence:
                                "the device was verified with fingerprint \(attempt.fingerprint ?? ""), and has \(certificate.fingerprint) now: rework it",
                            excludesCertificate: false)))
        }
        guard let key = attempt.publicKey, (try? publicKeyDigest(ofCertificate: der.span)) == key else {
            return fail(
                FailureCause(
                    kind: "other-key",
                    sentence: "the device's certificate is not for the key that it enrolled with here: rework it",
                    excludesCertificate: false))
        }
        do throws(CATrust.Unknown) {
            guard try trust.hasIssued(der, planned.ca) else {
                return fail(
                    FailureCause(
                        kind: "other-issuer",
                        sentence: "the device shows a certificate of \(certificate.issuer) that its CA did not issue",
                        excludesCertificate: false))
            }
        } catch {
            // Nothing is decided without: it is asked again.
            if unverified == nil { note("\(planned.serial) cannot be verified yet: \(error)") }
            unverified = (der, clock.uptime + 5_000)
            return
        }
        unverified = nil
        if let subject = planned.subject, !has(subject: subject, der) {
            return fail(
                FailureCause(
                    kind: "other-subject",
                    sentence: "the certificate's subject is \(certificate.subject), and the manifest has \(subject)",
                    excludesCertificate: false))
        }
        guard record(.issued(certificate)), let issued = current?.attempt, record(.delivered(to: "device")),
            record(.verified(fingerprint: certificate.fingerprint, by: "read back at port \(address.name)")),
            let verified = current?.attempt
        else { return }
        hook(.issued, planned, issued)
        hook(.verified, planned, verified)
        end(planned, .verified)
    }

    private func hook(_ occasion: Hooks.Occasion, _ planned: PortDevice, _ attempt: Attempt) {
        hooks.async { [station, address] in
            station.hook(occasion, planned.hooked, attempt, port: address.name)
        }
    }

    private func has(subject: String, _ der: [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let text = [UInt8](subject.utf8)
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try writer.write(name: text.span)
            return areNamesEqual(writer.written, try Certificate(der.span).subject)
        } catch {
            return false
        }
    }
}
