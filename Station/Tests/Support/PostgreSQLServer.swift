import Foundation
import TestSupport

/// A server of PostgreSQL for the tests of this process: in a folder of its own, reached by a socket there, and ended with the
/// process.
public final class PostgreSQLServer: Sendable {
    public static let shared = Result { try PostgreSQLServer() }

    /// Where its socket is: the `host` of libpq.
    public let folder: String

    private init() throws {
        let parent = FileManager.default.temporaryDirectory.appending(path: "scep-pg-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        folder = parent.path
        // The server refuses to run as root; Debian's package makes the user.
        if getuid() == 0 {
            _ = try runProgram("/usr/bin/chown", ["postgres:", folder])
        }
        let runner = getuid() == 0 ? "runuser -u postgres --" : ""
        let script =
            """
            # Foundation takes another program of this process for running as long as anyone has that one's socket open.
            for file in /proc/self/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
            cd "$1"; bin=/usr/lib/postgresql/15/bin
            \(runner) $bin/initdb -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$1.log" 2>&1 || exit 1
            \(runner) $bin/pg_ctl -D "$1/data" -w -t 120 -o "-k '$1' -c listen_addresses='' -c fsync=off -c max_connections=200" \
                start >>"$1.log" 2>&1 </dev/null || exit 1
            echo ready; read -r _
            \(runner) $bin/pg_ctl -D "$1/data" -m immediate stop >>"$1.log" 2>&1
            rm -rf "$1" "$1.log"
            """
        // The shell's input ends with this process, however it ends, and then so does the server.
        let input = Pipe()
        let output = Pipe()
        try Self.start(["/bin/bash", "-c", script, "bash", folder], input, output)
        let word = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard word == "ready\n" else {
            let said = (try? String(contentsOfFile: folder + ".log", encoding: .utf8)) ?? "nothing"
            throw NotStarted(said: said)
        }
        // Kept open until the process ends.
        _ = Unmanaged.passRetained(input)
    }

    /// Without Foundation, which would take the shell for ended once that has closed all that it was not given.
    private static func start(_ words: [String], _ input: Pipe, _ output: Pipe) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.fileHandleForReading.fileDescriptor, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.fileHandleForWriting.fileDescriptor, STDOUT_FILENO)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        let error = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        guard error == 0 else { throw NotStarted(said: String(cString: strerror(error))) }
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
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
