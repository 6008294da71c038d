import LibCrypto

@testable import PowerCuts

/// Keys that all tests share.
enum Shared {
    static let token = Token()
    static let keys = Result { [try PrivateKey.generate(.rsa2048), try PrivateKey.generate(.rsa2048)] }
}

func makeBench(_ name: String) throws -> Bench {
    let flow = Flow.all.first { $0.name == name }
    guard let flow else { throw Violation("no flow is called \(name)") }
    return try Bench(flow, token: Shared.token, keys: Shared.keys.get())
}
