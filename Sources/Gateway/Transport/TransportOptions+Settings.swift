import Board
import DeviceCrypto
import HTTP
import LinuxBoard

extension TransportOptions {
    /// - Parameter url: of the CA; authorities are read only where they are needed.
    init(_ settings: Settings, url: Text) throws(Failure) {
        self.init()
        pins = settings[.tlsPin] ?? []
        if url.starts(with: "https:") || url.starts(with: "HTTPS:") { try readAuthorities(settings) }
        guard let address = settings[.proxy] else { return }
        var credentials: [UInt8] = []
        defer { credentials.wipe() }
        if let file = settings[.proxyPasswordFile] {
            credentials = try InputFile.readSecret(file)
            guard credentials.contains(UInt8(ascii: ":")), credentials.count <= HTTPProxy.credentialsLimit else {
                var message = Text()
                message.append(printable: file.span)
                message.append(": it has to be one line user:password")
                throw Failure(.usage, "bad-proxy-password", message)
            }
        }
        do throws(ServerURLError) {
            let proxyURL = try ServerURL(address.span)
            guard proxyURL.scheme == .http else { throw ServerURLError(.unknownScheme, at: 0) }
            proxy = HTTPProxy(proxyURL, credentials: credentials.span)
        } catch {
            throw settings.refusal(.proxy)
        }
    }

    private mutating func readAuthorities(_ settings: Settings) throws(Failure) {
        if let file = settings[.tlsCA] {
            authorities = try InputFile.read(file)
            return
        }
        // Pins alone are as good.
        if pins.isEmpty { authorities = try InputFile.read(Text("/etc/ssl/certs/ca-certificates.crt")) }
    }
}

extension GatewayTransport {
    /// - Parameter url: of the CA.
    init(
        _ settings: Settings, url: Text, clock: SystemClock, random: inout RandomGenerator
    ) throws(Failure) {
        let options = try TransportOptions(settings, url: url)
        do throws(CryptoError) {
            try self.init(options, clock: clock, random: &random)
        } catch {
            guard error == .invalidLength else { throw Failure(.internal, "tls-failed", "TLS could not be set up") }
            throw settings.refusal(.tlsPin)
        }
    }
}
