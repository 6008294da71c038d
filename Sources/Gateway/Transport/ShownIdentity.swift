import Agent
import Board
import DeviceCrypto
import Output

/// The certificate that https servers are shown, from the store: it changes while the program runs.
final class ShownIdentity {
    private(set) var certificate: [UInt8] = []
    private(set) var issuers: [[UInt8]] = []
    private var key: [UInt8] = []
    private let keys: KeyProvider
    /// Whether it changed since it was taken.
    private(set) var isNew = false

    init(_ keys: KeyProvider) { self.keys = keys }

    deinit { key.wipe() }

    /// Takes what the store holds now.
    func take<S: SnapshotStorage & ~Copyable>(from store: inout IdentityStore<S>) throws(Failure) {
        guard let certificate = try store.bytes(of: .certificate), certificate != self.certificate,
            let key = try store.bytes(of: .privateKey)
        else { return }
        let trusted = try store.bytes(of: .caCertificates) ?? []
        self.key.wipe()
        self.certificate = certificate
        issuers = IssuingPath(of: certificate, in: trusted).intermediates
        self.key = key
        isNew = true
    }

    /// Reads the key, once for each change.
    func takeKey() throws(CryptoError) -> GatewayKey {
        isNew = false
        defer { key.wipe() }
        var taken = GatewayKey(context: keys)
        try taken.load(key.span)
        return taken
    }
}
