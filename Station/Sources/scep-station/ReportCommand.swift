import ArgumentParser
import Foundation
import Ledger
import Reports

struct ReportCommand: StationCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a batch's record: a page, a table, or signed lines.",
        discussion: """
            html: a page that prints. csv: RFC 4180, a device a row; a cell that a spreadsheet would take for a formula has an \
            apostrophe in front. ndjson: a device a line. jws: each device a line signed by the station's key, and a last line with the \
            totals. All are of one moment, whoever writes meanwhile. The checkpoint of the audit trail is on the page and in the last \
            signed line; with csv and ndjson it is written to standard error.
            """)

    @OptionGroup var options: StationOptions
    @Argument(help: "The batch.") var batch: String
    @Option(help: "html, csv, ndjson or jws.") var format = Report.Format.html
    @Option(help: "The file; standard output by default. It is replaced when the report is whole.") var output: String?
    @Option(help: "For jws: the CA's certificates (PEM), to stand behind each device's in x5c.") var chain: String?

    func perform() throws {
        if let output, let head = FileHandle(forReadingAtPath: output)?.readData(ofLength: 256),
            let line = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline).first,
            line.contains("serial"), !line.contains("serial,state,attempts"), !line.contains("\"state\"")
        {
            throw ValidationError("\(output) looks like a manifest, and is not written over: name another file")
        }
        let report = Report(
            of: batch, in: try options.openLedger(), key: try options.openKey(), by: options.actor,
            chain: try chain.map { try CertificateChain(file: URL(fileURLWithPath: $0)) } ?? .none)
        let file = try OutputFile(output)
        let checkpoint = try report.write(format) { try file.write($0) }
        try file.finish()
        if let checkpoint, format == .csv || format == .ndjson { say("checkpoint: \(checkpoint)") }
    }
}

extension Report.Format: ExpressibleByArgument {}

/// What was to be written is not there; a file that was there before is as it was.
struct UnwritableFile: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(path) cannot be written, and is as it was: \(reason)" }
}

/// What is written piece by piece, and is in its place only when it is whole.
private final class OutputFile {
    private let path: String?
    private let handle: FileHandle
    private var buffer = Data()
    private var isWhole = false

    /// - Parameter path: nil for standard output.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            handle = .standardOutput
            return
        }
        guard FileManager.default.createFile(atPath: path + ".new", contents: nil),
            let handle = FileHandle(forWritingAtPath: path + ".new")
        else { throw Self.failure(path) }
        self.handle = handle
    }

    func write(_ text: String) throws {
        buffer += text.utf8
        if buffer.count >= 1 << 16 { try flush() }
    }

    func finish() throws {
        try flush()
        guard let path else { return }
        guard fsync(handle.fileDescriptor) == 0 else { throw Self.failure(path) }
        try handle.close()
        guard rename(path + ".new", path) == 0 else { throw Self.failure(path) }
        isWhole = true
    }

    deinit {
        if let path, !isWhole { unlink(path + ".new") }
    }

    private static func failure(_ path: String) -> UnwritableFile {
        UnwritableFile(path: path, reason: String(cString: strerror(errno)))
    }

    private func flush() throws {
        do {
            try handle.write(contentsOf: buffer)
        } catch {
            throw UnwritableFile(path: path ?? "standard output", reason: error.localizedDescription)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
