import Output

/// What the program is asked to do.
enum Command: UInt8, CaseIterable {
    case caps, ca, enroll, renew, poll, cancel, cert, crl, nextCA, status, inspect, agent

    var name: StaticString {
        switch self {
        case .caps: "caps"
        case .ca: "ca"
        case .enroll: "enroll"
        case .renew: "renew"
        case .poll: "poll"
        case .cancel: "cancel"
        case .cert: "cert"
        case .crl: "crl"
        case .nextCA: "next-ca"
        case .status: "status"
        case .inspect: "inspect"
        case .agent: "agent"
        }
    }

    var summary: StaticString {
        switch self {
        case .caps: "ask the CA what it can do (GetCACaps)"
        case .ca: "fetch the CA's certificates, show their fingerprints, save them (GetCACert)"
        case .enroll: "get a certificate, if there is none, or go on with a request that was begun (PKCSReq)"
        case .renew: "renew the certificate now, whether or not it is due (RenewalReq, PKCSReq)"
        case .poll: "ask the CA whether it has decided on a pending request (CertPoll)"
        case .cancel: "give up the request that is under way; the CA is not told"
        case .cert: "show the certificate, and ask the CA whether it has it as it is here (GetCert)"
        case .crl: "fetch the CA's list of revoked certificates, and look the certificate up in it (GetCRL)"
        case .nextCA: "fetch the certificates of the CA after its rollover (GetNextCACert)"
        case .status: "show certificate, pending request, last error and next attempt, without asking anybody"
        case .inspect: "decode and check a SCEP message, certificate, request, CRL or bundle"
        case .agent: "do what is due: enrol, go on, renew, follow the CA to its next one"
        }
    }

    /// What may stand behind the options; nil for nothing.
    var operands: StaticString? {
        switch self {
        case .caps, .ca: "[URL]"
        case .inspect: "FILE..."
        default: nil
        }
    }

    init?(_ word: Text) {
        for command in Command.allCases where word.equals(command.name) {
            self = command
            return
        }
        return nil
    }
}

/// A set of commands.
struct Commands {
    private let bits: UInt16

    init(_ commands: [Command]) {
        var bits: UInt16 = 0
        for command in commands { bits |= 1 << UInt16(command.rawValue) }
        self.bits = bits
    }

    private init(bits: UInt16) {
        self.bits = bits
    }

    func contains(_ command: Command) -> Bool { bits & 1 << UInt16(command.rawValue) != 0 }

    static var all: Commands { Commands(bits: .max) }
    /// Those that talk to a CA.
    static var online: Commands { Commands([.caps, .ca, .enroll, .renew, .poll, .cert, .crl, .nextCA, .agent]) }
    /// Those that an identity belongs to.
    static var identity: Commands {
        Commands([.enroll, .renew, .poll, .cancel, .cert, .crl, .nextCA, .agent, .status])
    }
    /// Those that may make a certification request.
    static var requesting: Commands { Commands([.enroll, .renew, .poll, .agent]) }

    func union(_ other: Commands) -> Commands { Commands(bits: bits | other.bits) }
}
