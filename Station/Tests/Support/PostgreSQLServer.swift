import Foundation
import TestSupport

/// A server of PostgreSQL for the tests of this process: in a folder of its own, reached by a socket there, and ended with the
/// process.
public final class PostgreSQLServer: Sendable {
    public static let shared = Result { try PostgreSQLServer() }

    /// Where its socket is: the `host` of libpq.
    public let folder: String
    private let shell: Process

    private init() throws {
        let parent = FileManager.default.temporaryDirectory.appending(path: "scep-pg-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        folder = parent.path
        // The server refuses to run as root; Debian's package makes the user.
        if getuid() == 0 {
            _ = try runProgram("/usr/bin/chown", ["postgres:", folder])
        }
        let runner = getuid() == 0 ? "runuser -u postgres --" : ""
        shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        // The shell's input ends with this process, however it ends, and then so does the server.
        shell.arguments = [
            "-c",
            """
            cd "$1"; bin=/usr/lib/postgresql/15/bin
            \(runner) $bin/initdb -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$1.log" 2>&1 || exit 1
            \(runner) $bin/pg_ctl -D "$1/data" -w -t 120 -o "-k '$1' -c listen_addresses='' -c fsync=off -c max_connections=200" \
                start >>"$1.log" 2>&1 </dev/null || exit 1
            echo ready; read -r _
            \(runner) $bin/pg_ctl -D "$1/data" -m immediate stop >>"$1.log" 2>&1
            rm -rf "$1" "$1.log"
            """, "sh", folder,
        ]
        let input = Pipe()
        let output = Pipe()
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        let word = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard word == "ready\n" else {
            let said = (try? String(contentsOfFile: folder + ".log", encoding: .utf8)) ?? "nothing"
            throw NotStarted(said: said)
        }
        // Kept open until the process ends.
        _ = Unmanaged.passRetained(input)
    }

    /// Makes an empty database, and gives its address.
    public func makeDatabase() throws -> String {
        let name = "t\(UUID().uuidString.lowercased().replacing("-", with: ""))"
        try run("CREATE DATABASE \(name)", in: "postgres")
        return address(name)
    }

    public func address(_ database: String) -> String { "host=\(folder) user=postgres dbname=\(database)" }

    /// Runs a statement by Debian's `psql`.
    @discardableResult
    public func run(_ statement: String, in database: String) throws -> String {
        let ending = try runProgram(
            "/usr/bin/psql",
            ["-h", folder, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAtc", statement])
        return String(decoding: ending.output, as: UTF8.self)
    }
}

struct NotStarted: Error {
    let said: String
}
