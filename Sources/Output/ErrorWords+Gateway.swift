import Agent
import Board
import DER
import HTTP
import PKIX
import SCEP

// What a gateway, and a station, say in other words than the agent's table: a gateway has names of options that a board has not,
// and both know more of what went before, and have space for the reasons of a reader.

extension ErrorWords {
    /// - Parameters:
    ///   - isHeld: whether it is about a certificate that there is already, and not an enrolment.
    ///   - knowsCapabilities: whether the same URL answered GetCACaps with what the CA can do.
    package mutating func adapt(to error: AgentError, _ work: Span<UInt8>, isHeld: Bool, knowsCapabilities: Bool) {
        switch error {
        case .status(_, 407, _):
            kind = Text("proxy-authentication")
            say(
                "the proxy wants to know who asks",
                do: reader == .gateway ? "set proxy-password-file" : "let the CA be reached without it")
        case .status(let operation, let status, let body):
            adapt(to: status, operation, isWebPage(work, body), !body.isEmpty, isHeld, knowsCapabilities)
        case .exchange(.getCACaps, let error) where error.isSilence:
            remedy = Text("try again; ") + oldServer
        // The buffer is the program's.
        case .exchange(_, .reply(let error)) where error.kind == .bodyTooLarge: remedy = Text("have the CA send less")
        case .scep(let operation, let error, let body):
            adapt(to: error, operation, work, body, isHeld, knowsCapabilities)
        case .passwordSpent:
            say(
                "the password went into a request that has ended, and is not sent again",
                do: reader == .gateway
                    ? """
                    put a new one into the file of challenge-file, or set challenge-use = always if it is a secret that \
                    all requests share
                    """
                    : """
                    give the device a new one (column challenge), or set challenge-use = always if it is a secret that all \
                    requests share
                    """)
        case .passwordNeeded:
            say(
                "the request under way has the password in it",
                do: reader == .gateway
                    ? "set challenge-file again, or begin anew: scep enroll --again"
                    : "give the device its challenge again (column challenge), or rework it")
        default: break
        }
    }

    /// Of HTTP statuses: see ``Agent/Operation``.
    private mutating func adapt(
        to status: UInt16, _ operation: Operation, _ isPage: Bool, _ hasWords: Bool, _ isHeld: Bool,
        _ knowsCapabilities: Bool
    ) {
        if isPage, status < 500, ![401, 408, 426, 429].contains(status) {
            kind = Text("not-scep")
            sentence = Text("a web page came in place of a reply, with HTTP status ")
            sentence.append(decimal: Int(status))
            remedy = cureOfPage(operation, knowsCapabilities)
            if status == 403 { remedy = Text(Self.closed) }
            return
        }
        switch status {
        case 401 where !operation.isOfDevice, 403 where !operation.isOfDevice:
            remedy = Text(Self.closed)
        case 408, 429, 503: remedy = Text("the server is busy: try again later")
        case 426, 505:
            remedy = Text("the server, or what stands before it, wants another version of HTTP: ask who runs it")
        case 502, 504: remedy = Text("what stands before the CA does not reach it: is the CA running?")
        case 500... where operation == .getCRL || operation == .getCert:
            remedy = Text(advice(operation, .badRequest, isHeld))
            exit = .refused
        // Some refuse a request by it, with a word why.
        case 500... where operation.isOfDevice && hasWords && !isPage:
            remedy = Text(advice(operation, .badRequest, isHeld))
            exit = .refused
        case 501 where operation == .getCACaps: remedy = cureOfCapabilities
        case 500...: remedy = Text("the CA is in trouble, whatever the URL: see its log")
        case 400 where operation == .getCACaps, 404 where operation == .getCACaps, 405 where operation == .getCACaps:
            remedy = cureOfCapabilities
        default:
            if operation.isOfDevice {
                remedy = Text(advice(operation, .badRequest, isHeld))
                exit = .refused
            } else {
                remedy = cureOfPage(operation, knowsCapabilities)
            }
        }
    }

    /// Of replies, and of what is in them.
    private mutating func adapt(
        to error: SCEPError, _ operation: Operation, _ work: Span<UInt8>, _ body: Range<Int>, _ isHeld: Bool,
        _ knowsCapabilities: Bool
    ) {
        switch error {
        case .noCapabilities where isWebPage(work, body), .notDER(.html):
            kind = Text("not-scep")
            exit = .network
            sentence = Text("a web page came in place of a reply")
            remedy = cureOfPage(operation, knowsCapabilities)
            place = []
        case .noCapabilities: remedy = cureOfCapabilities
        case .caCertificatesTooLarge:
            say("the CA's certificates are larger than all that there is space for", do: "have the CA send less")
        case .request(let error) where error.kind == .bufferFull: remedy = Text("shorten subject and san")
        case .reply(let error) where error.kind.cryptoError == nil:
            place = []
            remedy = cureOfPage(operation, knowsCapabilities)
            sentence += Text(": ") + Text(error)
            // There is something, and it is meant to be a reply: what is at the URL is right.
            if work.count > body.lowerBound, work[body.lowerBound] == Tag.sequence.rawValue {
                remedy = Text(
                    reader == .gateway
                        ? "tell the CA's operator; scep inspect says more of a reply that was saved"
                        : "tell the CA's operator")
            }
        case .refused(let failInfo): remedy = Text(advice(operation, failInfo, isHeld))
        case .notDER: remedy = cureOfPage(operation, knowsCapabilities)
        case .issuedCertificateUnreadable(let error):
            place = []
            sentence += Text(": ") + Text(error)
        case .belowFloor:
            if !leniency.isEmpty { remedy = Text("upgrade it, or add to allow: ") + leniency }
        case .passwordMissing:
            say(
                "replies to an EC key are encrypted with the password",
                do: reader == .gateway
                    ? "set challenge-file, and challenge-use = always"
                    : "give each device a challenge (column challenge), and set challenge-use = always")
        case .certificateNotYetValid:
            say(
                "the certificate that the CA sent begins later than it is here, and was not stored",
                do: reader == .gateway
                    ? """
                    compare the clocks; the next run asks for it again, and a new password in challenge-file for another
                    """
                    : "compare this machine's clock with the CA's")
        case .noEncryptionCertificate where isHeld:
            say(
                "there is no certificate of a CA with this fingerprint, to which something could be encrypted",
                do: "ask the CA's operator")
        case .fingerprintMismatch:
            say(
                "the CA there is not that of fingerprint, and nothing was sent to it",
                do: reader == .gateway
                    ? "scep ca shows what it sends: compare that with what the CA's operator says"
                    : "compare fingerprint and url with what the CA's operator says")
        case .unmarkedRA:
            say(
                "nothing marks the RA as one of the CA's, and anybody on the way may have put it there",
                do: reader == .gateway
                    ? """
                    ask the CA's operator whether the CA has an RA, and for its fingerprint; add that to fingerprint only \
                    if it is the one that scep ca shows
                    """
                    : """
                    ask the CA's operator whether the CA has an RA, and for its fingerprint, and add that to fingerprint
                    """)
        case .unknownSigner:
            say(
                "the reply is not signed by a certificate of the CA that is known here",
                do: """
                    its certificates may have been replaced: run again, which fetches them anew; if that does not help, \
                    someone may be in between
                    """)
        case .invalidSignature:
            say(
                "the signature of the reply is wrong, so that it was changed on its way",
                do: "try again; if that does not help, someone may be in between")
        case .validityNotExtended:
            say(
                "the new certificate expires sooner than the one before, and was not stored",
                do: "ask the CA's operator")
        default: break
        }
    }

    private static var closed: StaticString {
        "the server, or what stands before it, lets only some in: ask who runs it"
    }

    /// What lets a server from before GetCACaps be used; only one that answers GetCACert is that.
    private var oldServer: Text {
        Text(
            reader == .gateway
                ? "if scep ca gets the CA's certificates there, the server is older than GetCACaps: add to allow: sha1,3des"
                : "if it answers GetCACert, the server is older than GetCACaps: add to allow: sha1,3des")
    }

    private var cureOfCapabilities: Text { Text("check url and message; ") + oldServer }

    /// What to do where something else than a reply came.
    private func cureOfPage(_ operation: Operation, _ knowsCapabilities: Bool) -> Text {
        switch operation {
        case .getCACaps: Text("check url and message")
        case .getCACert, .getNextCACert:
            knowsCapabilities
                ? Text(
                    """
                    the path of the URL is right, since GetCACaps was answered there: check message, the name of the CA at \
                    this server
                    """) : Text("check url and message")
        default: Text("the CA is in trouble, or what stands before it: see their logs")
        }
    }

    /// What to do about a refusal.
    private func advice(_ operation: Operation, _ failInfo: FailInfo, _ isHeld: Bool) -> StaticString {
        switch (operation, failInfo) {
        case (.getCRL, _), (.getCert, _): "the CA may not answer this question at all: see its log"
        case (_, .badTime): "compare this machine's clock with the CA's"
        case (_, .badAlg): "the CA does not take the key or an algorithm: try another key, or see its log"
        default:
            isHeld
                ? """
                it may have revoked the certificate (scep crl asks), want the password (challenge-use = always), or another \
                renewal-type; scep enroll --again asks for a new one
                """
                : reader == .gateway
                    ? "check challenge-file and subject, and see the CA's log"
                    : "check challenge and subject, and see the CA's log"
        }
    }
}

extension Operation {
    /// Whether it is a PKIOperation.
    fileprivate var isOfDevice: Bool { rawValue >= Operation.pkcsReq.rawValue }
}
