import Foundation
import Ledger
import Reports

/// The dashboard's pages.
enum Page {
    /// What all pages have around them: the field that a scanner writes into, and where else to go.
    ///
    /// - Parameters:
    ///   - reloads: every few seconds, where scripts do not run.
    ///   - live: what the script keeps up to date.
    static func whole(_ site: Site, title: String, reloads: Bool, live: Markup) -> Markup {
        let refresh: Markup = reloads ? "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n" : ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title) · \(site.station)</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="/style.css">
            \(refresh)<script src="/script.js" defer></script>
            </head>
            <body>
            <header>
            <a class="station" href="/"><bdi>\(site.station)</bdi></a>
            <nav><a href="/">Line</a> <a href="/devices">Devices</a></nav>
            <form action="/devices" role="search"><input id="scan" name="q" type="search" autofocus autocomplete="off" \
            spellcheck="false" maxlength="\(Site.longestSearch)" placeholder="Scan or type a serial, then Enter" \
            aria-label="Serial or label"></form>
            <p class="quiet" id="as-of">as of \(site.clock.time(.now)) \(site.clock.timeZone.abbreviation() ?? "UTC")</p>
            </header>
            <p id="stale" role="alert" hidden>The station does not answer: what is shown here is old.</p>
            <main id="live">
            \(live)</main>
            </body>
            </html>

            """
    }

    /// What leads from the printed address to the pages, now that the browser has the token.
    static let entry: Markup = """
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <title>scep-station</title>
        <meta http-equiv="refresh" content="0; url=/">
        <p><a href="/">To the dashboard</a></p>
        </html>

        """

    /// - Parameter sentence: where there is nothing.
    static func listed<Item>(_ items: [Item], else sentence: String, _ body: (Item) -> Markup) -> [Markup] {
        items.isEmpty ? ["<p class=\"quiet\">\(sentence)</p>\n"] : items.map(body)
    }

    static func link(_ serial: String) -> Markup {
        "<a href=\"/device?serial=\(percentEncoded(serial))\"><bdi>\(serial)</bdi></a>"
    }

    /// An entry's detail as words: `attempt 2, port p1`.
    ///
    /// - Parameter longest: characters of a value; more is cut off.
    static func words(_ entry: AuditEntry, longest: Int) -> String {
        guard
            let members = try? JSONSerialization.jsonObject(with: Data(entry.detail.utf8)) as? [String: Any]
        else { return entry.detail }
        return members.sorted { $0.key < $1.key }.map { name, value in
            let text = "\(value)"
            return "\(name) \(text.count > longest ? text.prefix(longest - 1) + "…" : text)"
        }.joined(separator: ", ")
    }
}
