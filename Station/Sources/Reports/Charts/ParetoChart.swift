import Ledger

/// Causes as bars, the most frequent on top, with a line of the share that all causes down to each one have together.
public func paretoChart(_ causes: [NamedCount]) -> Markup {
    let rows = merged(causes, limit: 10)
    let total = causes.reduce(0) { $0 + $1.count }
    guard total > 0, let most = rows.map(\.count).max() else { return "<p class=\"quiet\">No failures.</p>" }
    // As wide as the longest name, about.
    let left = min(Double(rows.map(\.name.count).max() ?? 0) * 8 + 20, 220)
    let (width, height) = (560 - left, 30.0)
    var bars: [Markup] = []
    var points: [String] = []
    var dots: [Markup] = []
    var sum = 0
    for (index, row) in rows.enumerated() {
        sum += row.count
        let y = height * Double(index) + 4
        let share = Double(sum) / Double(total)
        let (x, middle) = (left + width * share, y + height / 2 - 2)
        points.append("\(Int(x)),\(Int(middle))")
        dots.append("<circle class=\"sum\" cx=\"\(x)\" cy=\"\(middle)\" r=\"3\"/>")
        bars.append(
            """
            <text x="\(left - 10)" y="\(y + 18)" text-anchor="end"><title>\(row.name)</title>\(clipped(row.name))</text>
            <rect class="bad" x="\(left)" y="\(y + 2)" width="\(max(width * Double(row.count) / Double(most), 2))" \
            height="\(height - 8)" rx="3"/>
            <text x="\(left + width + 52)" y="\(y + 18)" text-anchor="end" class="strong">\(row.count)</text>
            <text x="\(left + width + 112)" y="\(y + 18)" text-anchor="end" class="quiet">\(percent(sum, of: total))</text>

            """)
    }
    return """
        <svg class="chart" viewBox="0 0 680 \(height * Double(rows.count) + 8)" role="img" aria-label="Failures by cause">
        \(bars)<polyline class="sum" points="\(points.joined(separator: " "))"/>\(dots)
        </svg>
        """
}

/// The most frequent, and the rest as one.
private func merged(_ causes: [NamedCount], limit: Int) -> [NamedCount] {
    let named = causes.map { $0.name.isEmpty ? NamedCount(name: "no cause given", count: $0.count) : $0 }
    guard named.count > limit else { return named }
    let rest = named[(limit - 1)...]
    return named.prefix(limit - 1)
        + [NamedCount(name: "\(rest.count) others", count: rest.reduce(0) { $0 + $1.count })]
}

private func clipped(_ name: String) -> String { name.count > 28 ? name.prefix(27) + "…" : name }

/// In whole numbers; what is not quite all is never shown as all, nor what is there as nothing.
public func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "–" }
    let tenths = (1000 * part + whole / 2) / whole
    if part < whole, tenths >= 1000 { return "> 99.9 %" }
    if part > 0, tenths == 0 { return "< 0.1 %" }
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}
