import Emulator

/// The table of what an enrolment took, each figure against its limit.
struct ResourceUsage {
    let report: Report
    let budget: Budget
    /// What the board's time is made of: see ``Emulator/BootOptions/instructionShift``.
    let instructionShift: Int?

    /// Names and texts, in the order in which they are shown; what the board could not know is left out.
    var rows: [(name: String, text: String)] {
        var rows: [(String, String)] = []
        let sizes: [(Report.Name, String, String)] = [
            (.flash, "flash", ""), (.ram, "RAM", "static, with all of the stack and the heap"),
            (.stack, "stack", "at its deepest"), (.arena, "heap", "at its peak, in mbedTLS's arena"),
        ]
        for (name, title, note) in sizes {
            guard let figure = report[name] else { continue }
            rows.append((title, Self.against(figure, budget[name], note)))
        }
        if let messages = report[.messages] {
            let sent = report[.sent].map { ", \(grouped($0)) bytes sent" } ?? ""
            let received = report[.received].map { ", \(grouped($0)) received" } ?? ""
            rows.append(("messages", "\(messages)\(sent)\(received)"))
        }
        if let milliseconds = report[.milliseconds] {
            let model = instructionShift.map {
                ", by a model: \(1 << $0) ns an instruction (QEMU's -icount), and as long as it waited"
            }
            rows.append(("time", "\(Duration.milliseconds(milliseconds).seconds) s on the board\(model ?? "")"))
        }
        return rows
    }

    private static func against(_ figure: Int, _ limit: Int?, _ note: String) -> String {
        let size = padded(grouped(figure), 8, left: true)
        let checked =
            limit.map { limit in
                let margin =
                    figure <= limit ? "\(grouped(limit - figure)) left" : "OVER by \(grouped(figure - limit))"
                return " of \(padded(grouped(limit), 8, left: true)) bytes  \(margin)"
            } ?? " bytes"
        return note.isEmpty ? size + checked : padded(size + checked, 40) + note
    }
}
