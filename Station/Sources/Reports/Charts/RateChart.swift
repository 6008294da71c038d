import Foundation
import Ledger

/// What came out in each interval: verified and failed as bars on each other, certificates issued as a line.
///
/// - Parameter timeZone: of the hours that are written below it.
public func rateChart(_ rates: [Ledger.Rate], timeZone: TimeZone) -> Markup {
    let (left, top, width, height) = (44.0, 10.0, 626.0, 170.0)
    let most = ceiling(max(rates.map { max($0.verified + $0.failed, $0.issued) }.max() ?? 0, 4))
    let step = width / Double(max(rates.count, 1))
    func y(_ count: Int) -> Double { top + height * (1 - Double(count) / Double(most)) }
    let grid = (0...4).map { line -> Markup in
        let value = most * line / 4
        return """
            <line class="grid" x1="\(left)" x2="\(left + width)" y1="\(y(value))" y2="\(y(value))"/>
            <text class="quiet" x="\(left - 8)" y="\(y(value) + 4)" text-anchor="end">\(value)</text>

            """
    }
    var bars: [Markup] = []
    var line = ""
    for (index, rate) in rates.enumerated() {
        let x = left + step * Double(index)
        func bar(_ style: String, _ count: Int, above: Int) -> Markup {
            guard count > 0 else { return "" }
            return """
                <rect class="\(style)" x="\(x + step * 0.1)" width="\(step * 0.8)" y="\(y(above + count))" \
                height="\(y(above) - y(above + count))"/>
                """
        }
        bars.append(bar("good", rate.verified, above: 0))
        bars.append(bar("bad", rate.failed, above: rate.verified))
        line += " \(Int(x)),\(Int(y(rate.issued))) \(Int(x + step)),\(Int(y(rate.issued)))"
    }
    return """
        <svg class="chart" viewBox="0 0 680 206" role="img" aria-label="Devices in each interval of the shift">
        \(grid)\(bars)
        <polyline class="issued" points="\(line)"/>
        \(hours(rates, timeZone) { left + step * Double($0) })
        </svg>
        <p class="legend"><i class="good"></i>verified <i class="bad"></i>failed <i class="issued"></i>certificates issued</p>
        """
}

private func hours(_ rates: [Ledger.Rate], _ timeZone: TimeZone, _ x: (Int) -> Double) -> [Markup] {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    return rates.enumerated().compactMap { index, rate in
        let date = Date(timeIntervalSince1970: Double(rate.from.milliseconds / 1000))
        let parts = calendar.dateComponents([.hour, .minute], from: date)
        guard parts.minute == 0, let hour = parts.hour else { return nil }
        return """
            <text class="quiet" x="\(x(index))" y="200" text-anchor="middle">\(hour < 10 ? "0" : "")\(hour):00</text>
            """
    }
}

/// The next number that is four times a round one.
private func ceiling(_ number: Int) -> Int {
    var round = 1
    while true {
        for factor in [1, 2, 5] where 4 * factor * round >= number { return 4 * factor * round }
        round *= 10
    }
}
