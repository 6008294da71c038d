import AuthorityServer

/// So many authorities are open at a time, and no more descriptors than Foundation's `Process` can start a program beside:
/// it reads their list into a buffer of 32 KiB, and behind it where that is full. Tests start all at once.
private let places = Gate(places: 32)

/// Whether this test has its place already: one with two authorities takes one.
private enum Place {
    @TaskLocal static var isTaken = false
}

/// Lends `body` the server that `make` starts, and stops it after that.
public func serving<Value>(
    _ make: () async throws -> AuthorityServer, _ body: (AuthorityServer) async throws -> Value
) async throws -> Value {
    func run() async throws -> Value {
        let server = try await make()
        do {
            let value = try await body(server)
            await server.stop()
            return value
        } catch {
            await server.stop()
            throw error
        }
    }
    guard !Place.isTaken else { return try await run() }
    return try await places.pass { try await Place.$isTaken.withValue(true) { try await run() } }
}
