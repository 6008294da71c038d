import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP
import Testing

@testable import Agent

/// What a person is told of each error: which kind it is, what fills its sentence, what to do, and where it was.
@Suite struct RemedyTests {
    private static func string(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    private static func kind(_ error: AgentError, _ work: [UInt8] = []) -> String {
        string(error.text(work.span).kind)
    }

    /// The whole line, behind `error `.
    private static func line(_ error: AgentError, _ work: String = "") -> String {
        let bytes = Array(work.utf8)
        var line = Line()
        line.append(error.text(bytes.span), bytes.span)
        return string(line.span)
    }

    private static let (later, log, before) = (
        "try again later: the server is busy", "see the CA's log: it is in trouble",
        "see the log of the CA, and of what stands before it"
    )
    private static let (access, proxy, version) = (
        "ask ~: the server lets only some in", "ask a proxy's operator: it wants to know who asks",
        "ask ~: the server wants another HTTP version"
    )
    private static let (url, urlOrAllow, urlAndMessage) = (
        "check url", "check url and message; if GetCACert is answered, set allow=sha1,3des", "check url and message"
    )
    private static let (request, renewal, answered) = (
        "check challenge and subject", "check challenge, subject and renewal-type",
        "see the CA's log: it may not answer this"
    )

    /// What to do about a status of RFC 9110, 15, by what was asked.
    @Test func statusesAreCuredByWhatTheySay() {
        let plain: [(Operation, String)] = [
            (.getCACaps, Self.url), (.getCACert, Self.urlAndMessage), (.getNextCACert, Self.urlAndMessage),
            (.pkcsReq, Self.request), (.renewalReq, Self.renewal), (.certPoll, Self.request),
            (.getCert, Self.answered), (.getCRL, Self.answered),
        ]
        for (operation, otherwise) in plain {
            let isQuestion = operation == .getCert || operation == .getCRL
            let isFirst = [.getCACaps, .getCACert, .getNextCACert].contains(operation)
            for status in [
                204, 299, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 425, 426, 427, 428, 429, 430, 499,
                500, 501, 502, 503, 504, 505, 506, 599, 999,
            ] as [UInt16] {
                let special: String? =
                    switch status {
                    case 407: Self.proxy
                    case 408, 429, 503: Self.later
                    case 426, 505: Self.version
                    case 502, 504: Self.before
                    case 401, 403: isFirst ? Self.access : otherwise
                    case 400, 404, 405, 501: operation == .getCACaps ? Self.urlOrAllow : nil
                    default: nil
                    }
                let expected = special ?? (status < 500 ? otherwise : isQuestion ? Self.answered : Self.log)
                let text = AgentError.status(operation, status, text: 0..<0).text(Span())
                #expect(Self.string(text.remedy) == expected, "\(operation) \(status)")
                #expect(text.number == Int(status) && text.operation == operation)
                // A web page is no sign of an old server.
                let page = Array("<html>".utf8)
                let paged = AgentError.status(operation, status, text: 0..<6).text(page.span)
                #expect(Self.string(paged.remedy) == (expected == Self.urlOrAllow ? Self.url : expected))
            }
        }
    }

    /// HTML, which is told by its first byte that is not blank.
    @Test func webPagesAreTold() {
        for (body, expected) in [
            ("<", true), (" \r\n\t<html>", true), ("!<html>", false), ("", false), ("   ", false), ("AES\n<", false),
        ] {
            let bytes = Array(body.utf8)
            #expect(isWebPage(bytes.span, 0..<bytes.count) == expected, "\(body)")
        }
        let page = Array("no<html>".utf8)
        #expect(isWebPage(page.span, 2..<8) && !isWebPage(page.span, 0..<8))
        // Where there is nothing, nothing is read.
        #expect(!isWebPage(page.span, 2..<9) && !isWebPage(Span(), 0..<1))
    }

    @Test func failuresOfTheNetworkHaveTheirKinds() {
        let rows: [(TransportError, String)] = [
            (.noAddress, "no-address"), (.nameUnknown, "name-unknown"), (.nameUnresolved, "name-unresolved"),
            (.refused, "connection-refused"), (.unreachable, "unreachable"), (.timedOut, "timed-out"),
            (.reset, "connection-lost"), (.exhausted, "network-exhausted"), (.notTLS, "not-tls"),
            (.noCommonProtocol, "tls-no-common"), (.handshakeRefused, "tls-refused"),
            (.handshakeFailed, "tls-failed"), (.certificateUntrusted, "tls-untrusted"),
            (.certificateOfOtherHost, "tls-wrong-host"), (.certificateExpired, "tls-expired"),
            (.certificateNotYetValid, "tls-not-yet-valid"), (.certificateWeak, "tls-weak"),
            (.certificateMisused, "tls-misused"), (.pinMismatch, "tls-pin-mismatch"),
            (.identityRefused, "tls-identity-refused"), (.identityFailed, "tls-identity-failed"),
            (.proxyUnreachable, "proxy-unreachable"), (.proxyRefused, "proxy-refused"),
            (.proxyAuthentication, "proxy-authentication"),
        ]
        #expect(rows.count == Errors.transport.count)
        for (error, kind) in rows {
            for (failure, place) in [
                (ExchangeError.connecting(error), "connecting"), (.sending(error), "sending"),
                (.receiving(error), "waiting for the reply"),
            ] {
                let line = Self.line(.exchange(.renewalReq, failure))
                #expect(line.hasPrefix("\(kind): ") && line.hasSuffix(" (\(place), RenewalReq)"), "\(line)")
            }
        }
        let replies: [(HTTPError.Kind, String)] = [
            (.noReply, "no-reply"), (.notHTTP, "not-http"), (.redirected, "redirected"),
            (.bodyTooLarge, "reply-too-large"), (.headTooLarge, "reply-too-large"), (.truncated, "reply-truncated"),
            (.badField, "http-malformed"), (.badContentLength, "http-malformed"),
            (.conflictingLengths, "http-malformed"), (.unsupportedCoding, "http-malformed"),
            (.badChunk, "http-malformed"),
        ]
        #expect(replies.count == Errors.http.count)
        for (kind, name) in replies {
            let line = Self.line(.exchange(.getCert, .reply(HTTPError(kind, at: 7))), "xx")
            #expect(line.hasPrefix("\(name): ") && line.hasSuffix(" (GetCert, byte 7)"), "\(line)")
            let sized = Self.line(.exchange(.getCert, .reply(HTTPError(kind, at: 7, size: 1))), "xx")
            #expect(sized.hasSuffix(" (1 bytes)"), "\(sized)")
        }
        #expect(Self.kind(.exchange(.pkcsReq, .notSecured)) == "https-unsupported")
    }

    /// Of what is too small it is said what that is, how much it needs where that is known, and how much it has.
    @Test func whatIsTooSmallIsNamedWithItsBytes() {
        let work = String(repeating: "x", count: 64)
        let rows: [(AgentError, String)] = [
            (
                // A byte more shows that nothing is missing.
                .exchange(.getCACert, .reply(HTTPError(.bodyTooLarge, at: 7, size: 64))),
                "reply-too-large: the reply does not fit the work buffer; enlarge that, or have the CA send less "
                    + "(needs 65, has 64 bytes)"
            ),
            (
                .scep(.getCACert, .reply(DERError(.bufferFull, at: 0)), text: 0..<0),
                "reply-too-large: the reply does not fit the work buffer; enlarge that, or have the CA send less "
                    + "(has 64 bytes)"
            ),
            (
                .scep(.pkcsReq, .request(DERError(.bufferFull, at: 0)), text: 0..<0),
                "request-too-large: the request does not fit the work buffer; enlarge that, or shorten subject and san "
                    + "(has 64 bytes)"
            ),
            (
                .scep(.getCACert, .caCertificatesTooLarge(3402), text: 0..<0),
                "ca-certificates-too-large: the CA's certificates do not fit caCapacity; enlarge that, or have the CA "
                    + "send less (3402 bytes)"
            ),
            (
                .provisioning(.tooLong(1600, capacity: 1536)),
                "record-too-long: the provisioning record does not fit the text buffer; enlarge that "
                    + "(needs 1600, has 1536 bytes)"
            ),
        ]
        for (error, line) in rows { #expect(Self.line(error, work) == line) }
        // Whatever needed memory of mbedTLS's; how much there is, only an arena knows.
        for error in [
            AgentError.key(.outOfMemory),
            .scep(.pkcsReq, .request(DERError(.crypto(.outOfMemory), at: 0)), text: 0..<0),
        ] {
            #expect(
                Self.line(error, work).hasPrefix(
                    "out-of-memory: mbedTLS's arena is too small for these keys; enlarge it"))
        }
    }

    /// A server that says nothing to GetCACaps may be an old one; to nothing else is that the answer.
    @Test func silenceIsASignOfAgeAtGetCACapsAlone() {
        for silence in [ExchangeError.receiving(.reset), .reply(HTTPError(.noReply, at: 0))] {
            for operation in Errors.operations {
                let remedy = Self.string(AgentError.exchange(operation, silence).text(Span()).remedy)
                #expect(
                    (remedy == "if GetCACert is answered, set allow=sha1,3des") == (operation == .getCACaps),
                    "\(operation)")
            }
        }
        for error in [ExchangeError.sending(.reset), .connecting(.reset), .reply(HTTPError(.truncated, at: 0))] {
            #expect(!Self.line(.exchange(.getCACaps, error)).contains("allow"))
        }
    }

    @Test func whatTheDeviceFailsAtHasItsKind() {
        let rows: [(AgentError, String)] = [
            (.provisioning(.absent), "not-provisioned"), (.provisioning(.corrupt), "record-corrupt"),
            (.provisioning(.tooLong(9, capacity: 8)), "record-too-long"),
            (.provisioning(.storage(.full)), "storage-full"),
            (.storage(.full), "storage-full"), (.storage(.corrupt), "storage-corrupt"),
            (.storage(.failed), "storage-failed"), (.storage(.powerLost), "storage-failed"),
            (.storage(.unknownVersion), "storage-unknown"), (.storage(.exposed), "storage-exposed"),
            (.storage(.outOfRange), "storage-misused"), (.storage(.notErased), "storage-misused"),
            (.entropy(.notProvisioned), "no-seed"), (.entropy(.failed), "no-entropy"),
            (.key(.unsupported), "key-unsupported"), (.key(.outOfMemory), "out-of-memory"),
            (.passwordSpent, "password-spent"), (.cannotRenew, "cannot-renew"), (.passwordNeeded, "password-needed"),
            (.revoked, "revoked"), (.stillPending, "still-pending"),
        ]
        for (error, kind) in rows { #expect(Self.kind(error) == kind, "\(error)") }
        #expect(Self.line(.key(.invalidKey)).contains("crypto error 2;"))
        let words: [(ConfigurationError, String)] = [
            (
                ConfigurationError(.unknownName, at: 30, line: 3),
                "configuration: line 3 has no known name=value; correct it"
            ),
            (
                ConfigurationError(.duplicate, .san, at: 12, line: 2),
                "configuration: line 2 sets san again; take one out"
            ),
            (
                ConfigurationError(.badValue, .pollCap, at: 12, line: 2),
                "configuration: line 2 has a wrong poll-cap, which takes: 1 to 604800; correct it"
            ),
            (
                ConfigurationError(.badValue, .key, at: 12, line: 2),
                "configuration: line 2 has a wrong key, which takes: rsa2048 rsa3072 rsa4096 p256 p384; correct it"
            ),
            (
                ConfigurationError(.badValue, .check, at: 12, line: 10),
                "configuration: line 10 has a wrong check, which takes: crl certificate; correct it"
            ),
            (
                ConfigurationError(.badValue, .fingerprint, at: 12, line: 2),
                "configuration: line 2 has a wrong fingerprint, which takes: 64 or 128 hexadecimal digits; correct it"
            ),
            (ConfigurationError(.missing, .url, at: 0), "configuration: url is missing; add it"),
        ]
        for (error, line) in words { #expect(Self.line(.configuration(error)) == line) }
    }

    @Test func repliesHaveTheirKinds() {
        let rows: [(SCEPError, String)] = [
            (.passwordMissing, "no-password"), (.fingerprintMismatch, "fingerprint-mismatch"),
            (.pinnedIsNotCA, "not-a-ca"), (.caCertificateExpired, "ca-expired"),
            (.caCertificateNotYetValid, "ca-not-yet-valid"), (.unmarkedRA, "unmarked-ra"),
            (.caWithoutKeyUsage, "ca-without-key-usage"), (.noEncryptionCertificate, "no-encryption"),
            (.caCertificatesTooLarge(2), "ca-certificates-too-large"),
            (.tooManyCACertificates, "ca-certificates-too-large"), (.nextCANotSigned, "next-ca-unsigned"),
            (.nextCAInvalid, "next-ca-invalid"), (.unknownSigner, "unknown-signer"),
            (.signerExpired, "signer-expired"), (.invalidSignature, "bad-signature"),
            (.wrongMessageType, "wrong-message-type"), (.wrongTransactionID, "wrong-transaction"),
            (.wrongRecipientNonce, "wrong-nonce"), (.unknownStatus, "unknown-status"),
            (.envelopeMissing, "no-envelope"), (.certificateForAnotherKey, "wrong-key"),
            (.certificateNotFromCA, "wrong-issuer"), (.signatureAlgorithmUnknown, "unknown-signature"),
            (.certificateExpired, "expired"), (.certificateNotYetValid, "not-yet-valid"),
            (.oldCertificate, "old-certificate"), (.validityNotExtended, "not-extended"),
            (.wrongCertificate, "wrong-certificate"), (.crlMissing, "no-crl"), (.crlFromAnotherIssuer, "wrong-crl"),
            (.crlInvalidSignature, "bad-crl-signature"), (.crlStale, "stale-crl"), (.crlNotYetValid, "early-crl"),
            (.revoked, "revoked"), (.noCapabilities, "no-capabilities"), (.belowFloor(.sha1), "weak-digest"),
            (.belowFloor(.lowerFloor), "weak-digest"), (.belowFloor(.des), "weak-cipher"),
            (.belowFloor(.tripleDES), "weak-cipher"), (.belowFloor(Leniency.sha1.union(.des)), "weak-algorithms"),
            (.caKeyUnusable(.point(.p256)), "ca-key"), (.notDER(.text), "not-scep"),
            (.issuedCertificateUnreadable(DERError(.truncated, at: 0)), "unreadable"),
            (.crlIncomplete(.delta), "partial-crl"), (.refused(.badAlg), "refused"),
            (.request(DERError(.truncated, at: 0)), "request"),
            (.request(DERError(.bufferFull, at: 0)), "request-too-large"),
            (.request(DERError(.crypto(.outOfMemory), at: 0)), "out-of-memory"),
            (.request(DERError(.crypto(.failed), at: 0)), "crypto-failed"),
            (.request(DERError(.crypto(.decryptionFailed), at: 0)), "crypto-failed"),
            (.reply(DERError(.truncated, at: 0)), "reply-malformed"),
            (.reply(DERError(.bufferFull, at: 0)), "reply-too-large"),
            (.reply(DERError(.crypto(.outOfMemory), at: 0)), "out-of-memory"),
            (.reply(DERError(.crypto(.failed), at: 0)), "crypto-failed"),
            (.reply(DERError(.crypto(.decryptionFailed), at: 0)), "cannot-decrypt"),
        ]
        for (error, kind) in rows {
            let text = AgentError.scep(.certPoll, error, text: 0..<0).text(Span())
            #expect(Self.string(text.kind) == kind && text.operation == .certPoll, "\(error)")
        }
        let number = CryptoError.failed.rawValue
        #expect(
            Self.line(.scep(.pkcsReq, .reply(DERError(.crypto(.failed), at: 0)), text: 0..<0)).contains(" \(number);"))
        let place = DERError(.truncated, at: 77)
        for error in [SCEPError.request(place), .reply(place), .issuedCertificateUnreadable(place)] {
            let line = Self.line(.scep(.pkcsReq, error, text: 0..<0))
            #expect(line.hasSuffix(" (code \(place.kind.rawValue) at byte 77)"), "\(line)")
        }
    }

    /// The words that fill a sentence's gap.
    @Test func gapsHaveTheirWords() {
        let form = "not-scep: the reply to GetCACert "
        let rows: [(SCEPError, String)] = [
            (.refused(.badAlg), "(badAlg)"), (.refused(.badMessageCheck), "(badMessageCheck)"),
            (.refused(.badRequest), "(badRequest)"), (.refused(.badTime), "(badTime)"),
            (.refused(.badCertId), "(badCertId)"), (.refused(.other(5)), "(5)"), (.refused(.missing), "(no reason)"),
            (.caKeyUnusable(.rsaSize(bits: 1024)), "being RSA-1024; "),
            (.caKeyUnusable(.rsaExponent(bits: 2048)), "being RSA-2048 of this exponent; "),
            (.caKeyUnusable(.kind(.p521)), "being P-521; "), (.caKeyUnusable(.kind(.ed25519)), "being Ed25519; "),
            (.caKeyUnusable(.point(.p384)), "being of this kind; "),
            (.belowFloor(.sha1), "uses SHA-1; upgrade it, or set allow=sha1"),
            (.belowFloor(.tripleDES), "uses triple DES; upgrade it, or set allow=3des"),
            (.belowFloor(.des), "uses single DES; upgrade it, or set allow=des"),
            (
                .belowFloor(Leniency.tripleDES.union(.des)), "uses single DES; upgrade it, or set allow=des"
            ),
            (
                .belowFloor(Leniency.sha1.union(.des)),
                "uses SHA-1 and single DES; upgrade it, or set allow=sha1,des"
            ),
            (.notDER(.empty), form + "is empty; "), (.notDER(.html), form + "is a web page; "),
            (.notDER(.json), form + "is JSON; "), (.notDER(.gzip), form + "is compressed; "),
            (.notDER(.byteOrderMark), form + "begins with a byte order mark; "),
            (.notDER(.text), form + "is text; "),
            (.crlIncomplete(.delta), "a part, deltaCRLIndicator; "),
            (.crlIncomplete(.userCertificates), "a part, onlyContainsUserCerts; "),
            (.crlIncomplete(.caCertificates), "a part, onlyContainsCACerts; "),
            (.crlIncomplete(.someReasons), "a part, onlySomeReasons; "),
            (.crlIncomplete(.indirect), "a part, indirectCRL; "),
            (.crlIncomplete(.attributeCertificates), "a part, onlyContainsAttributeCerts; "),
            (.crlIncomplete(.otherDistributionPoint), "a part, issuingDistributionPoint of another name; "),
        ]
        for (error, words) in rows {
            let line = Self.line(.scep(.getCACert, error, text: 0..<0))
            #expect(line.contains(words), "\(line)")
        }
    }

    /// What to do about a reply is for what was asked.
    @Test func repliesAreCuredByWhatWasAsked() {
        for operation in Errors.operations {
            func remedy(_ error: SCEPError, _ work: String = "") -> String {
                let bytes = Array(work.utf8)
                return Self.string(AgentError.scep(operation, error, text: 0..<bytes.count).text(bytes.span).remedy)
            }
            let isFirst = [.getCACaps, .getCACert, .getNextCACert].contains(operation)
            #expect(remedy(.notDER(.text)) == (isFirst ? Self.urlAndMessage : Self.before))
            let refused =
                switch operation {
                case .renewalReq: Self.renewal
                case .getCert, .getCRL: Self.answered
                default: Self.request
                }
            #expect(remedy(.refused(.badRequest)) == refused)
            #expect(remedy(.noCapabilities) == Self.urlOrAllow)
            #expect(remedy(.noCapabilities, "<html>") == Self.url)
        }
    }

    /// What the far side said is quoted where it is words, up to eighty bytes without the end of a line.
    @Test func wordsAreQuotedInPart() {
        func quoted(_ error: SCEPError, _ said: String) -> String? {
            let line = Self.line(.scep(.pkcsReq, error, text: 0..<said.utf8.count), said)
            return line.firstRange(of: "; it says: ").map { String(line[$0.upperBound...]) }
        }
        let eighty = String(repeating: "abcdefgh", count: 10)
        #expect(quoted(.refused(.badRequest), eighty) == eighty)
        #expect(quoted(.refused(.badRequest), eighty + "i") == eighty)
        #expect(quoted(.refused(.badRequest), "no such \r\n\t") == "no such ")
        #expect(quoted(.refused(.badRequest), "\r\n") == "")
        #expect(quoted(.refused(.badRequest), "x") == "x")
        #expect(quoted(.refused(.badRequest), "") == nil)
        #expect(quoted(.notDER(.json), "{}") == "{}")
        #expect(quoted(.notDER(.html), "<html>") == nil)
        #expect(quoted(.unknownSigner, "words") == nil)
        #expect(Self.line(.status(.getCACert, 400, text: 0..<4), "what").hasSuffix("; it says: what"))
        let text = HTTPError(.redirected, at: 0)
        #expect(!Self.line(.exchange(.getCACert, .reply(text))).contains("it says"))
        // Beyond the buffer there are no words.
        #expect(!Self.line(.status(.getCACert, 400, text: 0..<5), "what").contains("it says"))
    }
}
