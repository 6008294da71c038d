import Board
import DeviceCrypto
import HTTP
import LinuxBoard
import Output

extension GatewayTransport {
    /// A transport as it was set. Files are read here, before the program becomes another user.
    init(_ settings: Settings, clock: SystemClock) throws(Failure) {
        var options = TransportOptions()
        if let path = settings[.tlsCA] { options.authorities = try InputFile.read(path) }
        if let pins = settings[.tlsPin] { options.pins = pins }
        options.takesSystemAuthorities = settings[.tlsCA] == nil && settings[.tlsPin] == nil
        options.proxy = try Self.proxy(settings)
        do throws(CryptoError) {
            try self.init(options, clock: clock)
        } catch {
            throw error == .invalidLength
                ? settings.refusal(.tlsPin) : Failure(.internal, "no-entropy", "the system gave no random bytes")
        }
    }

    private static func proxy(_ settings: Settings) throws(Failure) -> HTTPProxy? {
        guard let text = settings[.proxy] else { return nil }
        guard let url = try? ServerURL(text.span), url.scheme == .http, url.isBare else {
            throw settings.refusal(.proxy)
        }
        guard let path = settings[.proxyPasswordFile] else { return HTTPProxy(url, credentials: Span()) }
        var credentials = try InputFile.readSecret(path)
        defer { credentials.wipe() }
        guard credentials.count <= HTTPProxy.credentialsLimit, credentials.contains(UInt8(ascii: ":")) else {
            var message = Text()
            message.append(printable: path.span)
            message.append(": a proxy is told user:password, at most 255 bytes")
            throw Failure(.usage, "bad-proxy-password", message)
        }
        return HTTPProxy(url, credentials: credentials.span)
    }
}

extension ServerURL {
    /// Whether it names a server and nothing on it.
    fileprivate var isBare: Bool { pathAndQuery.isEmpty || pathAndQuery.count == 1 && pathAndQuery[0] == 0x2F }
}
