import Ledger
import Signing

/// One file that a browser shows and prints without anything else, and in which nothing runs.
struct HTMLReport {
    private let report: Report
    private let out: (String) throws -> Void
    /// More devices than that on paper help nobody: the other formats have all.
    private static let longestList = 500

    init(_ report: Report, _ out: @escaping (String) throws -> Void) {
        self.report = report
        self.out = out
    }

    func write() throws -> String? {
        let head = try report.read { figures, reader in
            try put(self.head(figures))
            try put(summary(figures))
            try devices(figures, reader)
        }
        let checkpoint = try report.checkpoint(at: head)
        try put(signature(head, checkpoint, try report.key.verifier))
        return checkpoint
    }

    private func put(_ markup: Markup) throws { try out(markup.text) }

    private func head(_ figures: BatchFigures) -> Markup {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Batch \(figures.name)</title>
        <style>
        \(Markup(stringLiteral: commonStyle + Self.style))
        </style>
        </head>
        <body>
        <header>
        <h1>Batch <bdi>\(figures.name)</bdi></h1>
        <p class="quiet">Report of station <bdi>\(report.actor.station)</bdi>, made by <bdi>\(report.actor.person)</bdi> on \
        \(shown(.now)) UTC</p>
        </header>

        """
    }

    private static let style = """

        body { max-width: 60rem; margin: 0 auto; padding: 2rem 1.5rem; }
        section { margin-top: 1.6rem; }
        .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.6rem; }
        .columns.shares { grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem; font-size: .9rem; }
        .shares th { font-size: .8rem; } .shares td, .shares th { padding-right: .35rem; } .shares td:last-child, .shares th:last-child { padding-right: 0; }
        .figures { grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); } .figures dt { font-size: .8rem; }
        .figures dd { font-size: 1.4rem; white-space: nowrap; } .figures div { padding: .6rem .7rem; display: flex; flex-direction: column; justify-content: space-between; }
        .devices td:first-child { min-width: 9rem; }
        @media print {
          :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --quiet: #444; --line: #bbb; --good: #16793a;
            --bad: #c22718; --warn: #8a5a00; --busy: #1f5fbf; }
          * { print-color-adjust: exact; }
          body { padding: 0; max-width: none; font-size: 10pt; }
          .figures dd { font-size: 1.2rem; }
          .card, .figures div { border-radius: 0; break-inside: avoid; } tr { break-inside: avoid; } thead { display: table-header-group; }
          @page { margin: 15mm; }
        }
        """

    private func summary(_ figures: BatchFigures) -> Markup {
        """
        <section>
        <dl class="figures">
        <div><dt>Planned</dt><dd>\(figures.planned)</dd></div>
        <div><dt>Verified</dt><dd>\(figures.verified)</dd></div>
        <div><dt>First-pass yield</dt><dd>\(percent(figures.firstPass, of: figures.ended))</dd></div>
        <div><dt>Final yield</dt><dd>\(percent(figures.verified, of: figures.ended))</dd></div>
        <div><dt>Retries</dt><dd>\(figures.retries)</dd></div>
        <div><dt>Cycle time p50</dt><dd>\(figures.cycle.map { shown(milliseconds: $0.median) } ?? "–")</dd></div>
        <div><dt>Cycle time p95</dt><dd>\(figures.cycle.map { shown(milliseconds: $0.percentile95) } ?? "–")</dd></div>
        </dl>
        <p class="quiet">Yield is of the \(figures.ended) devices that are verified, failed or scrapped; first pass: verified in the \
        first attempt, at the first try. Cycle time is from claim to verified: half (p50) and 95 % (p95) of the devices took no longer.</p>
        </section>
        <section class="columns">
        <div class="card"><h2>Devices</h2><table>
        \(DeviceState.all.compactMap { state -> Markup? in
            figures.states[state].map { "<tr><td>\(stateWord(state))</td><td class=\"number\">\($0)</td></tr>\n" }
        })</table></div>
        <div class="card"><h2>Times</h2><table>
        <tr><td>planned</td><td>\(String(figures.plannedAt.prefix(19)).replacing("T", with: " ")) UTC</td></tr>
        <tr><td>first begun</td><td>\(moment(figures.startedAt))</td></tr>
        <tr><td>last ended</td><td>\(moment(figures.finishedAt))</td></tr>
        <tr><td>attempts</td><td>\(figures.attempts)</td></tr>
        <tr><td>quota</td><td>\(figures.quota.map(String.init) ?? "none")</td></tr>
        </table></div>
        </section>
        <section class="card"><h2>Failures by cause</h2>
        \(paretoChart(figures.causes))
        </section>
        <section class="columns shares">
        \(shares("Station", figures.stations))\(shares("Port", figures.ports))\(shares("Operator", figures.people))</section>

        """
    }

    private func shares(_ title: String, _ shares: [BatchFigures.Share]) -> Markup {
        """
        <div class="card"><table>
        <thead><tr><th>\(title)</th><th class="number">Attempts</th><th class="number">Verified</th>\
        <th class="number">Failed</th></tr></thead>
        \(shares.map { share -> Markup in
            """
            <tr><td><bdi>\(share.name.isEmpty ? "none" : share.name)</bdi></td><td class="number">\(share.attempts)</td>\
            <td class="number">\(share.verified)</td><td class="number">\(share.failed)</td></tr>

            """
        })</table></div>

        """
    }

    private func devices(_ figures: BatchFigures, _ reader: BatchReader) throws {
        let hasAll = figures.planned <= Self.longestList
        let others = figures.planned - figures.verified
        let hint: Markup =
            hasAll ? "" : "<p class=\"quiet\">The other formats of this report have every device.</p>\n"
        try put(
            """
            <section class="card devices"><h2>\(hasAll ? "Every device" : "Devices that are not verified")</h2>
            \(hint)<table>
            <thead><tr><th>Serial</th><th>State</th><th>Certificate, or what happened</th></tr></thead>

            """)
        var count = 0
        try reader.forEachDevice { device in
            let isVerified = device.state == "verified" || device.state == "retired"
            guard hasAll || !isVerified, count < Self.longestList else { return }
            count += 1
            try put(row(device))
        }
        try put("</table>\n")
        if !hasAll, others > count { try put("<p class=\"quiet\">… and \(others - count) more.</p>\n") }
        try put("</section>\n")
    }

    private func row(_ device: DeviceRecord) -> Markup {
        let label: Markup = device.label.map { "<br><span class=\"quiet\"><bdi>\($0)</bdi></span>" } ?? ""
        let sentence: Markup = device.sentence.map { "<bdi>\(device.cause ?? ""): \($0)</bdi><br>" } ?? ""
        let certificate: Markup =
            device.certificate.map { certificate in
                let status: Markup = certificate.status == "live" ? "" : "<br>\(certificate.status)"
                return """
                    <bdi>\(certificate.subject)</bdi><br><span class="code quiet">\(certificate.fingerprint)</span>\(status)
                    """
            } ?? ""
        let verified: Markup =
            device.verification.map { verification in
                "<br><span class=\"quiet\">verified by <bdi>\(verification.means)</bdi>: <bdi>\(verification.person)</bdi>, <bdi>\(verification.station)</bdi></span>"
            } ?? ""
        return """
            <tr><td><bdi>\(device.serial)</bdi>\(label)</td><td>\(stateWord(device.state))</td>\
            <td>\(sentence)\(certificate)\(verified)</td></tr>

            """
    }

    private func signature(_ head: AuditHead, _ checkpoint: String?, _ key: VerifyingKey) -> Markup {
        """
        <section class="card"><h2>Checkpoint of the audit trail</h2>
        <p>The trail had \(head.sequence) entries when this was read; the last has the digest <span class="code">\(head.digest)</span>.</p>
        <p class="code">\(checkpoint ?? "none: the trail is empty")</p>
        <p class="quiet">Signed by the key <span class="code">\(key.identifier)</span>. With this, \
        <code>scep-station audit verify --checkpoint …</code> shows whether the trail was cut or changed since.</p>
        </section>
        </body>
        </html>

        """
    }

    private func moment(_ moment: Timestamp?) -> String { moment.map { "\(shown($0)) UTC" } ?? "–" }
}
