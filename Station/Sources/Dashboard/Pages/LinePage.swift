import Ledger
import Reports

extension Page {
    /// What is at each port or job, how far the batches are, the shift, and what happened last.
    static func line(
        _ site: Site, places: [Place], notes: [Note], _ snapshot: Result<Snapshot, any Error>
    ) -> Markup {
        let record: Markup =
            switch snapshot {
            case .success(let snapshot): self.record(snapshot, site.clock)
            case .failure(let error):
                "<section class=\"card warning\"><h2>The ledger cannot be read</h2>\n<p>\("\(error)")</p></section>\n"
            }
        return whole(
            site, title: "Line", reloads: true,
            live: """
                <section class="places" aria-label="Ports">
                \(listed(places, else: "Nothing is under way, and nothing has ended yet.") { tile($0, site.clock) })</section>
                \(noteList(notes, site.clock))\(record)
                """)
    }

    private static func record(_ snapshot: Snapshot, _ clock: Clock) -> Markup {
        """
        <section class="card"><h2>Batches</h2>
        \(listed(snapshot.batches, else: "Nothing is planned.", batch))</section>
        <div class="charts">
        <section class="card"><h2>Last \(Snapshot.hours) hours, in steps of \(Snapshot.interval / 60) minutes</h2>
        \(rateChart(snapshot.rates, timeZone: clock.timeZone))</section>
        <section class="card"><h2>Failures by cause</h2>
        \(paretoChart(snapshot.causes))</section>
        </div>
        <section class="card"><h2>Last events</h2>
        <table>
        \(snapshot.entries.map { event($0, clock) })</table></section>

        """
    }

    static func tile(_ place: Place, _ clock: Clock) -> Markup {
        let detail =
            switch place.outcome {
            case .idle, .pass: ""
            case .working(let state): state.rawValue
            case .made: "waiting for the device's word"
            case .fail(let cause, let sentence): cause.isEmpty ? sentence : "\(cause): \(sentence)"
            case .left(let reason): reason
            }
        let (style, word) = word(place.outcome)
        let before: Markup =
            place.before.map { before in
                let (style, word) = Self.word(before.outcome)
                return "<p class=\"before\">before: <b class=\"\(style)\">\(word)</b> \(link(before.serial))</p>\n"
            } ?? ""
        let serial: Markup = place.serial.map { link($0) } ?? "–"
        return """
            <article class="place \(style)">
            <p class="name"><bdi>\(place.name)</bdi><span>\(place.since.map { clock.time($0) } ?? "")</span></p>
            <p class="outcome">\(word)</p>
            <p class="serial">\(serial)</p>
            <p class="detail"><bdi>\(detail)</bdi></p>
            \(before)</article>

            """
    }

    /// Told apart across a hall by more than colour.
    private static func word(_ outcome: Place.Outcome) -> (style: String, word: String) {
        switch outcome {
        case .idle: ("idle", "READY")
        case .working: ("busy", "BUSY")
        case .pass: ("pass", "PASS")
        case .made: ("made", "MADE")
        case .fail: ("fail", "FAIL")
        case .left: ("left", "LEFT")
        }
    }

    private static func noteList(_ notes: [Note], _ clock: Clock) -> Markup {
        guard !notes.isEmpty else { return "" }
        let rows = notes.map { note -> Markup in
            "<tr><td class=\"when\">\(clock.time(note.at))</td><td><bdi>\(note.text)</bdi></td></tr>\n"
        }
        return "<section class=\"card warning\"><h2>Notes</h2>\n<table>\n\(rows)</table></section>\n"
    }

    private static func batch(_ batch: BatchSummary) -> Markup {
        let verified = batch.states["verified", default: 0] + batch.states["retired", default: 0]
        let failed = batch.states["failed", default: 0] + batch.states["scrapped", default: 0]
        let begun = batch.planned - batch.states[DeviceState.planned, default: 0]
        func part(_ style: String, from: Int, _ count: Int) -> Markup {
            let width = 1000 / Double(max(batch.planned, 1))
            return
                "<rect class=\"\(style)\" x=\"\(width * Double(from))\" width=\"\(width * Double(count))\" height=\"14\"/>"
        }
        return """
            <div class="batch"><p><bdi>\(batch.name)</bdi></p>
            <svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" \
            aria-label="\(verified) of \(batch.planned) verified">\(part("rest", from: 0, batch.planned))\
            \(part("good", from: 0, verified))\(part("bad", from: verified, failed))\
            \(part("open", from: verified + failed, begun - verified - failed))</svg>
            <p class="number"><b>\(verified)</b> of \(batch.planned) verified, <b>\(failed)</b> failed, \
            \(begun - verified - failed) under way</p></div>

            """
    }

    private static func event(_ entry: AuditEntry, _ clock: Clock) -> Markup {
        // Of a batch or a station there is no page.
        let subject =
            entry.action == "planned" || entry.action == "quota" ? "<bdi>\(entry.subject)</bdi>" : link(entry.subject)
        return """
            <tr><td class="when">\(clock.time(entry.at))</td><td class="serial">\(subject)</td>\
            <td>\(stateWord(entry.action))</td><td class="quiet"><bdi>\(words(entry, longest: 24))</bdi></td></tr>

            """
    }
}
