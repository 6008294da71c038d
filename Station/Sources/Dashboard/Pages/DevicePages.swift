import Foundation
import Ledger
import Reports

extension Page {
    /// - Parameter found: nil where nothing was searched for.
    static func devices(_ site: Site, _ text: String, _ found: [DeviceRecord]?) -> Markup {
        let list: Markup
        if let found, !found.isEmpty {
            let more: Markup =
                found.count < Site.mostFound
                ? "" : "<p class=\"quiet\">These are the first \(found.count): type more of the serial.</p>\n"
            list = """
                <table>
                <thead><tr><th>Serial</th><th>State</th><th>Label</th><th>Batch</th><th>Station</th><th>Since</th></tr></thead>
                \(found.map { row($0, site.clock) })</table>
                \(more)
                """
        } else if found != nil {
            list = "<p>No serial and no label has <b><bdi>\(text)</bdi></b> in it.</p>\n"
        } else {
            list = "<p>Scan a label, or type a part of a serial or a label, and press Enter.</p>\n"
        }
        return whole(
            site, title: "Devices", reloads: false,
            live: "<section class=\"card\"><h1>Devices</h1>\n\(list)</section>\n")
    }

    private static func row(_ device: DeviceRecord, _ clock: Clock) -> Markup {
        """
        <tr><td class="serial">\(link(device.serial))</td><td>\(stateWord(device.state))</td><td><bdi>\(device.label ?? "")</bdi></td>\
        <td><bdi>\(device.batch)</bdi></td><td><bdi>\(device.station ?? "")</bdi></td>\
        <td>\((device.finishedAt ?? device.startedAt).map { clock.day($0) } ?? "")</td></tr>

        """
    }

    static func device(
        _ site: Site, _ device: DeviceRecord, attempts: [Attempt], certificates: [RecordedCertificate],
        trail: [AuditEntry]
    ) -> Markup {
        let planned = [
            ("batch", device.batch), ("label", device.label), ("profile", device.profile), ("part", device.part),
            ("port", device.port),
        ].compactMap { name, value in value.map { (name, $0) } }
        let facts = planned + device.columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let place =
            attempts.last.map { Place(name: $0.port ?? $0.station, $0) }
            ?? Place(name: "planned", serial: device.serial)
        return whole(
            site, title: device.serial, reloads: true,
            live: """
                <div class="device">
                \(tile(place, site.clock))
                <section class="card"><h1><bdi>\(device.serial)</bdi></h1>
                <table>
                \(facts.map { name, value -> Markup in "<tr><th>\(name)</th><td><bdi>\(value)</bdi></td></tr>\n" })</table></section>
                </div>
                <section class="card"><h2>Attempts</h2>
                <table>
                <thead><tr><th>No.</th><th>State</th><th>Station</th><th>Operator</th><th>Port</th><th>Begun</th><th>Ended</th>\
                <th class="number">Tries</th><th>What happened</th></tr></thead>
                \(attempts.map { attempt($0, site.clock) })</table></section>
                <section class="card"><h2>Certificates</h2>
                \(list(certificates))</section>
                <section class="card"><h2>Audit trail</h2>
                <table>
                <thead><tr><th class="number">Entry</th><th>When</th><th>Who</th><th>What</th><th></th></tr></thead>
                \(trail.map { entry($0, site.clock) })</table></section>

                """)
    }

    private static func attempt(_ attempt: Attempt, _ clock: Clock) -> Markup {
        let happened = [
            attempt.cause.map { "\($0): \(attempt.sentence ?? "")" }, attempt.reason,
        ].compactMap(\.self).joined(separator: "; ")
        return """
            <tr><td>\(attempt.number)</td><td>\(stateWord(DeviceState.word(attempt)))</td><td><bdi>\(attempt.station)</bdi></td>\
            <td><bdi>\(attempt.person)</bdi></td><td><bdi>\(attempt.port ?? "")</bdi></td><td>\(clock.day(attempt.startedAt))</td>\
            <td>\(attempt.finishedAt.map { clock.day($0) } ?? "")</td><td class="number">\(attempt.tries)</td>\
            <td><bdi>\(happened)</bdi></td></tr>

            """
    }

    private static func list(_ certificates: [RecordedCertificate]) -> Markup {
        guard !certificates.isEmpty else { return "<p class=\"quiet\">None.</p>\n" }
        return """
            <table>
            <thead><tr><th>Status</th><th>Subject and issuer</th><th>Serial number</th><th>Valid</th><th>SHA-256</th></tr></thead>
            \(certificates.map(certificate))</table>
            """
    }

    private static func certificate(_ certificate: RecordedCertificate) -> Markup {
        func day(_ seconds: Int) -> String {
            String(Timestamp(milliseconds: 1000 * seconds).description.prefix(10))
        }
        return """
            <tr><td class="word \(certificate.status == "live" ? "pass" : "left")">\(certificate.status)</td>\
            <td><bdi>\(certificate.subject)</bdi><br><span class="quiet">by <bdi>\(certificate.issuer)</bdi></span></td>\
            <td class="code">\(certificate.serialNumber)</td>\
            <td>\(day(certificate.notBefore)) to \(day(certificate.notAfter))</td><td class="code">\(certificate.fingerprint)</td></tr>

            """
    }

    private static func entry(_ entry: AuditEntry, _ clock: Clock) -> Markup {
        """
        <tr><td class="number">\(entry.sequence)</td><td class="when">\(clock.day(entry.at))</td>\
        <td><bdi>\(entry.actor)</bdi>, <bdi>\(entry.station)</bdi></td><td>\(stateWord(entry.action))</td>\
        <td class="quiet"><bdi>\(words(entry, longest: 200))</bdi></td></tr>

        """
    }
}
