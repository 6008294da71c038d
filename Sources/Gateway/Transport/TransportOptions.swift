import Board
import Output

/// How a gateway reaches its CA.
struct TransportOptions {
    /// CAs whose word counts for a server's certificate, in PEM.
    var authorities: [UInt8] = []
    /// Whether those count that the system trusts. With neither, pins alone decide.
    var takesSystemAuthorities = false
    /// Fingerprints of servers' certificates, SHA-256 or SHA-512 in hexadecimal, separated by commas. Empty: any
    /// certificate that an authority issued for the host.
    var pins: [UInt8] = []
    /// The HTTP proxy that everything goes through.
    var proxy: HTTPProxy?

    init() {}
}
