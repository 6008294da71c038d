import Authority
import AuthorityServer
import Foundation
import StationSupport
import TestSupport

/// A folder with a profile of an authority's, and a station.
func withStation(
    _ configure: (inout CAConfiguration) -> Void = { _ in },
    _ body: (URL, AuthorityServer, (String...) throws -> (status: Int32, output: String, complaint: String))
        async throws -> Void
) async throws {
    var configuration = CAConfiguration()
    configuration.challenge = .shared("line")
    configure(&configuration)
    let server = try await AuthorityServer(try Authority(configuration))
    try await withTemporaryDirectory { folder in
        let profile = """
            url = \(server.url)
            fingerprint = \(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
            subject = CN={serial}
            key = p256
            key-origin = station
            challenge-use = always
            """
        try writeFile(profile, to: folder.appending(path: "part.conf"))
        try await body(folder, server) { arguments in
            let common = arguments[0] == "check" ? [] : ["--state", folder.appending(path: "station").path]
            return try StationProgram(arguments: arguments + common).run()
        }
    }
    await server.stop()
}

func writeFile(_ text: String, to file: URL, mode: Int = 0o600) throws {
    try Data(text.utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
}

func writeManifest(_ serials: [String], _ folder: URL, mode: Int = 0o600) throws -> String {
    let file = folder.appending(path: "batch.csv")
    try writeFile("serial,challenge\n" + serials.map { "\($0),line\n" }.joined(), to: file, mode: mode)
    return file.path
}
