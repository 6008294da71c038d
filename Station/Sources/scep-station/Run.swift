import ArgumentParser
import Dashboard
import Foundation
import Ledger
import Line
import Manifest
import Provisioning

struct Run: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make and hand over what a manifest's devices need.",
        discussion: """
            Devices that are done are passed over, and what was cut is gone on with: running it again is always right. \
            Exit code 0: every device is verified or handed over; 1: some failed, or were not this station's; \
            2: the manifest is wrong, and nothing was begun; 3: the station could not work.
            """)

    @OptionGroup var options: StationOptions
    @OptionGroup var manifest: ManifestOptions

    @Option(help: "The batch of rows that name none; the manifest's name by default.")
    var batch: String?

    @Option(help: "How many devices of each batch may get a certificate; all by default.")
    var quota: Int?

    @Option(help: "How many devices at a time.")
    var jobs = 4

    @Option(help: "How many enrolments a second the CA is asked for at most.")
    var rate: Double?

    @Option(help: "Where what is made goes; `out` in the station's folder by default.")
    var output: String?

    @Option(name: .customLong("form"), help: "What is made: image, flash, pem, pkcs12; several times for several.")
    var forms: [Delivery.Form] = []

    @Option(help: "The file whose first line is the password of each PKCS#12.")
    var pkcs12PasswordFile: String?

    @Option(
        help: ArgumentHelp(
            "A program that has the device say which certificate it has, once it was handed over.",
            discussion:
                "It writes the device's console, with its event line, to its standard output. {serial}, {folder}, {batch}."
        ))
    var verifyCommand: String?

    @Option(help: "A program that is run when a certificate is issued, with the device's record in SCEP_….")
    var onIssued: String?
    @Option(help: "Likewise, when a device is verified.")
    var onVerified: String?
    @Option(help: "Likewise, when a device has failed.")
    var onFailed: String?

    @Option(help: "Show the run in a browser: [HOST:]PORT, HOST this machine's loopback by default.")
    var dashboard: Address?
    @OptionGroup var proxy: ProxyOptions

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is 1 to 256") }
        guard rate ?? 1 > 0 else { throw ValidationError("--rate is more than 0") }
        guard quota ?? 1 > 0 else { throw ValidationError("--quota is more than 0") }
        guard !forms.contains(.pkcs12) || pkcs12PasswordFile != nil else {
            throw ValidationError("--form pkcs12 needs --pkcs12-password-file")
        }
    }

    func perform() throws {
        guard let count = try manifest.check() else { throw Exit.manifest }
        let lock = try StationLock(in: options.folder)
        defer { lock.close() }
        let ledger = try options.openLedger()
        let batch = batch ?? URL(fileURLWithPath: manifest.manifest).deletingPathExtension().lastPathComponent
        let planned = try manifest.reader { _ in }
        try ledger.plan(
            manifest: try manifest.digest(), quota: quota, by: options.actor,
            devices: { planned.next().map { $0.planned(batch: batch) } })

        let progress = ProgressView(total: count)
        var station = try station(ledger)
        let board = LiveBoard(jobs: jobs)
        station.report = { event in
            progress.show(event)
            board.note(event)
        }
        let dashboard = try dashboard.map { try proxy.dashboard(options, at: $0, board: board) }
        let reader = try manifest.reader { _ in }
        let line = HostLine(station, devices: { reader.next() })
        let signals = onSignals {
            say("scep-station: ending behind what is under way; once more ends it now")
            line.stop()
        }
        defer { signals.forEach { $0.cancel() } }
        try withExtendedLifetime(dashboard) { try line.run(jobs: jobs) }
        progress.finish()
        guard progress.isGood else { throw Exit.failed }
    }

    private func station(_ ledger: Ledger) throws -> Station {
        let work = try WorkFolder(options.folder.appending(path: "work"))
        let place = try options.outputFolder(output)
        let delivery = Delivery(
            to: place, forms: forms.isEmpty ? [.image] : Set(forms), passwordFile: pkcs12PasswordFile)
        var station = Station(
            ledger: ledger, actor: options.actor, work: work, delivery: delivery, gate: CAGate(places: jobs, rate: rate)
        )
        station.challenge = try manifest.challenge()
        station.verification = try command(verifyCommand, "--verify-command")
        let programs: [(Hooks.Occasion, CommandTemplate?)] = [
            (.issued, try command(onIssued, "--on-issued")), (.verified, try command(onVerified, "--on-verified")),
            (.failed, try command(onFailed, "--on-failed")),
        ]
        station.hooks = Hooks(
            Dictionary(uniqueKeysWithValues: programs.compactMap { name, program in program.map { (name, $0) } }))
        return station
    }

    private func command(_ text: String?, _ option: String) throws -> CommandTemplate? {
        guard let text else { return nil }
        guard let command = CommandTemplate(text) else {
            throw ValidationError("\(option) begins with an absolute path")
        }
        return command
    }
}

extension Delivery.Form: ExpressibleByArgument {}
