import Foundation
import Testing

/// Debian's Chromium without a window, steered by the DevTools protocol over a pipe: messages of JSON that end in a NUL.
final class Browser: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let folder: URL
    private var unread = Data()
    private var lastID = 0
    private var session: String?

    /// Opens a page that has nothing in it.
    init(runsScripts: Bool) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "scep-browser-\(UUID().uuidString)")
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // The browser reads from descriptor 3 and writes to 4.
        process.arguments = [
            "-c",
            """
            exec 3<&0 4>&1 </dev/null >/dev/null 2>&1
            exec /usr/bin/chromium-headless-shell --remote-debugging-pipe --no-sandbox --disable-gpu --no-first-run \
                --user-data-dir="$1" about:blank
            """, "sh", folder.path,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let target = try ask("Target.createTarget", ["url": "about:blank"])["targetId"]
        session =
            try ask("Target.attachToTarget", ["targetId": target as Any, "flatten": true])["sessionId"] as? String
        if !runsScripts { try ask("Emulation.setScriptExecutionDisabled", ["value": true]) }
    }

    deinit {
        // Debian's program is a script that stays in front of the browser: a signal would end the script alone.
        session = nil
        _ = try? ask("Browser.close", [:])
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    func open(_ url: String) throws {
        try ask("Page.navigate", ["url": url])
        try wait { try value("document.readyState") == "complete" && value("location.href") != "about:blank" }
    }

    /// What a person sees, as text.
    func text() throws -> String { try value("document.body.innerText") }

    /// An expression's value, as a text. The DevTools evaluate where a page's own scripts do not run, too.
    func value(_ expression: String) throws -> String {
        let answer = try ask("Runtime.evaluate", ["expression": "String(\(expression))"])
        // A page that is just being left has no answer.
        return (answer["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// Types as a scanner does: a text, then Enter, wherever the focus is.
    func scan(_ text: String) throws {
        for character in text {
            try ask("Input.dispatchKeyEvent", ["type": "keyDown", "text": "\(character)", "key": "\(character)"])
            try ask("Input.dispatchKeyEvent", ["type": "keyUp", "key": "\(character)"])
        }
        try ask(
            "Input.dispatchKeyEvent", ["type": "keyDown", "key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13])
    }

    /// Waits until something is so; a limit only catches that it never is.
    func wait(_ condition: () throws -> Bool) throws {
        let end = Date(timeIntervalSinceNow: 120)
        while try !condition() {
            guard Date() < end else {
                throw Failure(what: try "it did not come to that: \(value("document.documentElement.outerHTML"))")
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    @discardableResult
    private func ask(_ method: String, _ parameters: [String: Any]) throws -> [String: Any] {
        lastID += 1
        var message: [String: Any] = ["id": lastID, "method": method, "params": parameters]
        if let session { message["sessionId"] = session }
        try input.fileHandleForWriting.write(
            contentsOf: try JSONSerialization.data(withJSONObject: message) + Data([0]))
        while true {
            let answer = try next()
            guard answer["id"] as? Int == lastID else { continue }
            if let error = answer["error"] { throw Failure(what: "\(method): \(error)") }
            return answer["result"] as? [String: Any] ?? [:]
        }
    }

    private func next() throws -> [String: Any] {
        while true {
            if let end = unread.firstIndex(of: 0) {
                let message = unread[unread.startIndex..<end]
                unread = Data(unread[(end + 1)...])
                return try JSONSerialization.jsonObject(with: message) as? [String: Any] ?? [:]
            }
            let part = output.fileHandleForReading.availableData
            guard !part.isEmpty else { throw Failure(what: "the browser ended") }
            unread += part
        }
    }

    struct Failure: Error {
        let what: String
    }
}

/// Runs what blocks on a thread of its own: the dashboard answers from the pool of threads that this would fill.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try body() }) }.start()
    }
}
