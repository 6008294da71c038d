import Foundation

/// One device: a board with a flash of its own that outlives a power-off, in a folder of its own.
public struct Device: Sendable {
    public let board: BoardKind
    /// Its firmware.
    public let image: URL
    /// Its working folder.
    public let folder: URL
    /// The checkout that the firmware was built in, by which a fault is given its place in the sources; nil without that.
    public let project: URL?
    /// What its clock says at power-up, if it has one; this machine's time when nil.
    private let clock: (@Sendable () -> Date)?

    /// - Parameter folder: exists, and belongs to no other device.
    public init(
        board: BoardKind, image: URL, folder: URL, project: URL? = nil, clock: (@Sendable () -> Date)? = nil
    ) {
        self.board = board
        self.image = image
        self.folder = folder
        self.project = project
        self.clock = clock
    }

    /// Where it keeps its flash.
    public var flash: URL { folder.appending(path: "flash.bin") }

    /// The folder that a Linux board keeps its identity in.
    public var store: URL { folder.appending(path: "store") }

    /// A Linux board's identity.
    public var identity: URL { store.appending(path: "identity") }

    /// Powers the board up, and off again when `body` is through.
    public func powerUp<Value: Sendable>(
        options: BootOptions = BootOptions(), timeLimit: Duration,
        _ body: @escaping @Sendable (Running) async throws -> Value
    ) async throws -> Run<Value> {
        var options = options
        if options.clock == nil { options.clock = clock?() }
        do {
            return try await board.program(image: image, in: folder, options: options).run(timeLimit: timeLimit, body)
        } catch ProgramError.timeLimit(_, let limit, let transcript) {
            throw transcript.isEmpty
                ? BoardError.silent(board, after: limit)
                : BoardError.unfinished(board, after: limit, transcript: transcript)
        }
    }

    /// Powers the board up and waits for its last line and its end.
    ///
    /// - Parameter watch: is given each line as it comes, the last one included.
    public func runToEnd(
        options: BootOptions = BootOptions(), timeLimit: Duration,
        watch: @escaping @Sendable (Line) -> Void = { _ in }
    ) async throws -> Outcome {
        let run = try await powerUp(options: options, timeLimit: timeLimit) { running in
            for await line in running.lines { watch(line) }
            try Task.checkCancellation()
        }
        guard let last = run.lines.last, let verdict = Verdict(line: last.text),
            run.ending == .exited(verdict == .done ? 0 : 1)
        else {
            throw BoardError.crashed(board, run.ending, transcript: run.lines, places: await places(of: run.lines))
        }
        return Outcome(
            verdict: verdict, report: run.lines.lazy.compactMap { Report(line: $0.text) }.last, lines: run.lines,
            duration: run.duration)
    }

    /// Where in the sources the board's last line `fault: …` was, as Toolchain/symbolize has it; empty where there is none.
    private func places(of lines: [Line]) async -> [String] {
        guard let project, let fault = lines.last(where: { $0.text.hasPrefix("fault: ") }) else { return [] }
        let symbolize = Program(
            executable: project.appending(path: "Toolchain/symbolize").path, arguments: [image.path, fault.text],
            folder: folder, origin: "a whole checkout")
        // It is the fault that is the error, whatever comes of this.
        return (try? await symbolize.run(timeLimit: .hang) { try await $0.end() }.lines.map(\.text)) ?? []
    }
}

/// What came of a board's run from power-up to its last line.
public struct Outcome: Sendable {
    public let verdict: Verdict
    public let report: Report?
    public let lines: [Line]
    public let duration: Duration
}
