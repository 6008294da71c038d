import Foundation
import Ledger
import Line
import StationSupport
import TestSupport
import Testing

@testable import Dashboard

@Suite("The dashboard in a browser", .serialized)
struct BrowserTests {
    /// Three jobs: one passed, one failed, one has nothing.
    private static func withDashboard(
        _ body: @escaping @Sendable (Dashboard, LiveBoard) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "l.db").path))
            try ledger.plan(["s1", "s2", "s3", "<b>s4</b>"])
            let board = LiveBoard(jobs: 3)
            board.note(.ended(serial: "s1", .verified))
            let cause = FailureCause(kind: "refused", sentence: "<img src=x>", excludesCertificate: true)
            board.note(.ended(serial: "s2", .failed(cause)))
            let dashboard = try Dashboard(
                ledger, station: "line-1", board: board, at: Address(loopbackPort: 0), timeZone: .gmt)
            try await body(dashboard, board)
            await dashboard.stop()
        }
    }

    @Test func passAndFailShowAndStayUpToDateWithScripts() async throws {
        try await Self.withDashboard { dashboard, board in
            let browser = try await blocking {
                let browser = try Browser(runsScripts: true)
                try browser.open(dashboard.url)
                let text = try browser.text()
                #expect(text.contains("PASS") && text.contains("FAIL") && text.contains("READY"))
                #expect(text.contains("refused: <img src=x>"))
                #expect(try browser.value("document.images.length") == "0")
                // The page itself goes on, and what is live in it changes.
                _ = try browser.value("document.marker = 1")
                board.note(.ended(serial: "s3", .verified))
                try browser.wait { try !browser.text().contains("READY") }
                #expect(try browser.value("document.marker") == "1")
                #expect(try browser.value("getComputedStyle(document.getElementById('stale')).display") == "none")
                return browser
            }
            // An old PASS is not taken for a new one.
            await dashboard.stop()
            try await blocking {
                try browser.wait { try browser.text().contains("does not answer") }
            }
        }
    }

    @Test func passAndFailShowAndComeAgainWithoutScripts() async throws {
        try await Self.withDashboard { dashboard, board in
            try await blocking {
                let browser = try Browser(runsScripts: false)
                try browser.open(dashboard.url)
                let text = try browser.text()
                #expect(text.contains("PASS") && text.contains("FAIL") && text.contains("READY"))
                _ = try browser.value("document.marker = 1")
                board.note(.ended(serial: "s3", .verified))
                try browser.wait { try browser.text().contains("PASS") && !browser.text().contains("READY") }
                #expect(try browser.value("document.marker") == "undefined", "it was loaded anew")
            }
        }
    }

    /// Colours are not all that tells them apart, and they are there, light and dark.
    @Test func passAndFailAreLargeAndOfTheirColour() async throws {
        try await Self.withDashboard { dashboard, _ in
            try await blocking {
                let browser = try Browser(runsScripts: true)
                try browser.open(dashboard.url)
                func style(_ selector: String, _ property: String) throws -> String {
                    try browser.value("getComputedStyle(document.querySelector('\(selector)')).\(property)")
                }
                let pass = try style(".place.pass", "backgroundColor")
                let fail = try style(".place.fail", "backgroundColor")
                #expect(pass.hasPrefix("rgb(") && fail.hasPrefix("rgb(") && pass != fail)
                let size = try #require(Double(try style(".place .outcome", "fontSize").dropLast(2)))
                #expect(size >= 48)
            }
        }
    }

    @Test(arguments: ["s1", "<b>s4</b>"])
    func whatAScannerReadsLeadsToTheDevice(serial: String) async throws {
        try await Self.withDashboard { dashboard, _ in
            try await blocking {
                let browser = try Browser(runsScripts: true)
                try browser.open(dashboard.url)
                try browser.scan(serial)
                try browser.wait { try browser.value("location.pathname") == "/device" }
                try browser.wait { try browser.value("document.readyState") == "complete" }
                #expect(try browser.text().contains(serial))
                #expect(try browser.value("document.title") == "\(serial) · line-1")
                // And the next one to the next.
                try browser.scan("s2")
                try browser.wait { try browser.value("location.search") == "?serial=s2" }
            }
        }
    }
}
