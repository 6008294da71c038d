import ArgumentParser
import Dashboard
import Foundation
import Ledger
import Line
import Manifest
import Ports
import Provisioning

struct Run: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make and hand over what a manifest's devices need.",
        discussion: """
            Devices that are done are passed over, and what was cut is gone on with: running it again is always right. \
            Exit code 0: every device is verified or handed over, or was scrapped or retired; 1: some failed, or were not this station's; \
            2: the manifest is wrong, and nothing was begun; 3: the station could not work.
            """)

    @OptionGroup var options: StationOptions
    @OptionGroup var manifest: ManifestOptions

    @Option(help: "The batch of rows that name none; the manifest's name by default.")
    var batch: String?

    @Option(help: "How many devices of each batch may get a certificate; all by default.")
    var quota: Int?

    @Option(
        name: .customLong("port"),
        help: ArgumentHelp(
            "A port where devices that make their own keys are plugged in; several times for several.",
            discussion: "[<name>=]<path>[,<baud>[,8<N|E|O><1|2>]], or [<name>=]tcp:<host>:<port>. No other is opened."))
    var ports: [String] = []

    @Option(help: "How many devices at a time, of those whose keys the station makes.")
    var jobs = 4

    @Option(help: "How many enrolments a second the CA is asked for at most.")
    var rate: Double?

    @Option(
        help:
            "With a ledger that stations share: how many devices are taken before their turn, to work on while it is away."
    )
    var ahead = 100

    @Option(help: "Hours for which the station works on while the shared ledger is away, before it stops.")
    var maxUnsynced = 48

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
        guard (0...10_000).contains(ahead) else { throw ValidationError("--ahead is 0 to 10000") }
        guard (1...720).contains(maxUnsynced) else { throw ValidationError("--max-unsynced is 1 to 720 hours") }
        guard rate ?? 1 > 0 else { throw ValidationError("--rate is more than 0") }
        guard quota ?? 1 > 0 else { throw ValidationError("--quota is more than 0") }
        try refuse(batch, "--batch", "a batch has a name")
        _ = (try verification(), try hooks())
        let names = try ports.map { text in
            guard let address = PortAddress(text) else {
                throw ValidationError(
                    "--port \(text): it is written [<name>=]<path>[,<baud>[,8N1]] or [<name>=]tcp:<host>:<port>")
            }
            return address.name
        }
        guard Set(names).count == names.count else { throw ValidationError("two ports have one name") }
        guard !forms.contains(.pkcs12) || pkcs12PasswordFile != nil else {
            throw ValidationError("--form pkcs12 needs --pkcs12-password-file")
        }
    }

    func perform() throws {
        guard let count = try manifest.check() else { throw Exit.manifest }
        let lock = try StationLock(in: options.folder)
        defer { lock.close() }
        let journal = options.folder.appending(path: "journal.db").path
        let hasJournal = FileManager.default.fileExists(atPath: journal)
        let ledger = try options.openOrMakeLedger(mayBeAway: hasJournal)
        let witness = options.witness
        do {
            try plan(in: ledger)
            try witness.note(ledger)
        } catch LedgerError.unavailable(let reason) where hasJournal {
            say("scep-station: the ledger is away, so that nothing more is planned: \(reason)")
        }

        let progress = ProgressView(total: count)
        let leased = try leased(ledger, journal, progress)
        var station = try station(leased ?? ledger)
        let board = LiveBoard(ports: ports.compactMap { PortAddress($0)?.name }, jobs: jobs)
        station.report = { event in
            progress.show(event)
            board.note(event)
            // What is away is noted when it is back.
            if case .ended = event { try? witness.note(ledger) }
        }
        let dashboard = try dashboard.map { try proxy.dashboard(options, at: $0, board: board) }
        let reader = try manifest.reader { _ in }
        let line = HostLine(station, devices: { reader.next() })
        let portLine = try portLine(station, ledger, progress)
        let signals = onSignals {
            say("scep-station: ending behind what is under way; once more ends it now")
            line.stop()
            portLine?.stop()
            progress.interrupt()
        }
        defer { signals.forEach { $0.cancel() } }
        defer { try? leased?.release() }
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            portLine?.run()
            ended.signal()
        }
        defer {
            portLine?.stop()
            ended.wait()
        }
        try withExtendedLifetime(dashboard) {
            try line.run(jobs: jobs)
            if portLine != nil { progress.waitForPorts() }
        }
        progress.finish(station.delivery.folder.url.path)
        try leased?.synchronize()
        if let count = try leased?.unsynced(), count > 0 {
            say("scep-station: \(count) steps are not in the shared ledger yet: run this again when it is back")
            throw Exit.failed
        }
        guard progress.isGood else { throw Exit.failed }
    }

    private func plan(in ledger: Ledger) throws {
        let batch = batch ?? URL(fileURLWithPath: manifest.manifest).deletingPathExtension().lastPathComponent
        let reader = try manifest.reader { _ in }
        try ledger.plan(
            manifest: try manifest.digest(), quota: quota, by: options.actor,
            devices: { reader.next().map { $0.planned(batch: batch) } })
    }

    /// The ports, for devices that make their own keys; nil if there are none.
    private func portLine(_ station: Station, _ ledger: Ledger, _ progress: ProgressView) throws -> PortLine? {
        let reader = try manifest.reader { _ in }
        var devices: [String: PortDevice] = [:]
        while let device = reader.next() { devices[device.serial] = PortDevice(device) }
        // Those come no more; while the ledger is away nobody can tell.
        let ended = (try? ledger.serials(in: [.verified])) ?? []
        let gone = (try? ledger.serials(in: [.scrapped, .retired])) ?? []
        progress.expectPorts(Set(devices.keys), done: ended, gone: gone)
        guard !ports.isEmpty else {
            if !devices.isEmpty {
                say(
                    "scep-station: \(devices.count) devices make their own keys, and are left: name the ports where they are plugged in by --port"
                )
            }
            return nil
        }
        let planned = devices
        return try PortLine(station, ports.compactMap(PortAddress.init)) { planned[$0] }
    }

    /// What stands in for a ledger that stations share; nil for one in a file.
    private func leased(_ ledger: Ledger, _ journal: String, _ progress: ProgressView) throws -> LeasedLedger? {
        guard ledger.database.dialect == .postgreSQL else { return nil }
        let reader = try manifest.reader { _ in }
        return try LeasedLedger(
            ledger, journal: journal, maxUnsynced: 3600 * maxUnsynced,
            ahead: ahead,
            upcoming: {
                while let device = reader.next() { if device.keyOrigin == .station { return device.serial } }
                return nil
            }, report: { progress.show(.note($0)) })
    }

    private func station(_ ledger: any LineLedger) throws -> Station {
        let work = try options.workFolder()
        let place = try options.outputFolder(output)
        let delivery = Delivery(
            to: place, forms: forms.isEmpty ? [.image] : Set(forms), passwordFile: pkcs12PasswordFile)
        var station = Station(
            ledger: ledger, actor: options.actor, work: work, delivery: delivery, gate: CAGate(places: jobs, rate: rate)
        )
        station.challenge = try manifest.challenge()
        station.verification = try verification()
        station.hooks = try hooks()
        return station
    }

    private func verification() throws -> CommandTemplate? {
        try command(verifyCommand, "--verify-command", known: Station.verificationNames)
    }

    private func hooks() throws -> Hooks {
        let programs: [(Hooks.Occasion, CommandTemplate?)] = [
            (.issued, try command(onIssued, "--on-issued", known: Hooks.names)),
            (.verified, try command(onVerified, "--on-verified", known: Hooks.names)),
            (.failed, try command(onFailed, "--on-failed", known: Hooks.names)),
        ]
        return Hooks(
            Dictionary(uniqueKeysWithValues: programs.compactMap { name, program in program.map { (name, $0) } }))
    }
}

extension Delivery.Form: ExpressibleByArgument {}
