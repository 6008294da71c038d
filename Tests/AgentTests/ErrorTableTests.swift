import Board
import DER
import HTTP
import SCEP
import Testing

@testable import Agent

/// The table of errors, row by row: that each has its place, says what it is about, and advises nothing that does not
/// cure it.
@Suite struct ErrorTableTests {
    private static let causes = (0...255).compactMap { Cause(rawValue: $0) }
    private static let page = Array("<html>busy</html>".utf8)

    private static func string(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    /// kind, what happened, what to do.
    private static func parts(_ error: AgentError, _ work: [UInt8] = []) -> (String, String, String) {
        let text = error.text(work.span)
        return (string(text.kind), string(text.sentence), string(text.remedy))
    }

    /// A row and the name of its cause stand at the same place, and there is one for each.
    @Test func rowsStandInTheOrderOfTheirCauses() {
        var kinds: [String: [Cause]] = [:]
        for cause in Self.causes {
            let kind = Self.string(cause.row).prefix { $0 != ":" }
            #expect(kind.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(cause): \(kind)")
            let name = "\(cause)".lowercased()
            #expect(name.hasPrefix(kind.replacing("-", with: "")), "\(cause) has the row of \(kind)")
            kinds[String(kind), default: []].append(cause)
        }
        // Those that one word stands for are one thing to a program: what differs is the number, or the algorithm.
        let shared = kinds.filter { $0.value.count > 1 }.keys.sorted()
        #expect(
            shared == [
                "ca-certificates-too-large", "configuration", "no-capabilities", "reply-too-large", "weak-digest",
            ])
    }

    @Test func everyRowIsReached() {
        let page = Self.page
        var reached = Set(Errors.all.map { $0.text(Span()).cause })
        reached.insert(AgentError.scep(.getCACaps, .noCapabilities, text: 0..<page.count).text(page.span).cause)
        #expect(Self.causes.filter { !reached.contains($0) } == [])
    }

    /// A sentence names what it is about, with no word in its place that points elsewhere; and something can be done.
    @Test func everyErrorSaysWhatItIsAboutAndWhatToDo() {
        let noun =
            /\b(CA|RA|CRL|DNS|DHCP|HTTP|TLS|RSA|EC|https|answer|arena|certificate|challenge|connection|cryptography|device|files|fingerprint|firmware|host|identity|key|name|network|proxy|record|reply|request|route|seed|server|signature|source|storage|stored|url|value)\b/
            .wordBoundaryKind(.simple)
        for error in Errors.all {
            let (kind, sentence, remedy) = Self.parts(error)
            #expect(!kind.isEmpty && !remedy.isEmpty, "\(error)")
            let first = sentence.prefix { $0 != " " }
            #expect(!["it", "they", "not", "cannot", "changed", "written", ""].contains(first), "\(sentence)")
            // A gap for words is filled with the name of a setting, or of what the CA does.
            #expect(sentence.replacing("%", with: "value").contains(noun), "\(sentence)")
        }
    }

    /// Whose trouble it is, by the class of the HTTP status (RFC 9110, 15.5 and 15.6).
    @Test(arguments: Errors.operations)
    func whatPassesOrIsTheServersIsNotBlamedOnTheURL(_ operation: Operation) {
        for status in [UInt16(401), 403, 407, 408, 426, 429, 500, 502, 503, 504, 505, 599] {
            for body in [[], Self.page, Array("no".utf8)] {
                let (kind, _, remedy) = Self.parts(.status(operation, status, text: 0..<body.count), body)
                #expect(kind == "http-status")
                #expect(!remedy.contains("url") && !remedy.contains("allow"), "\(status): \(remedy)")
            }
        }
        for status in [UInt16(429), 503] {
            #expect(Self.parts(.status(operation, status, text: 0..<0)).2.contains("try again later"))
        }
    }

    /// A leniency is spoken of where it cures, and nowhere else.
    @Test func onlyWhatIsKnownToBeWeakLeadsToALeniency() {
        var advised: Set<String> = []
        for error in Errors.all {
            let (kind, _, remedy) = Self.parts(error)
            guard remedy.contains("allow=") else { continue }
            if case .status(let operation, let status, _) = error {
                #expect(operation == .getCACaps && [400, 404, 405, 501].contains(status), "\(error)")
                #expect(remedy.contains("GetCACert is answered"))
            }
            if case .exchange(let operation, let error) = error {
                #expect(operation == .getCACaps && error == .receiving(.reset))
                #expect(remedy.contains("GetCACert is answered"))
            }
            advised.insert(kind)
        }
        #expect(
            advised == [
                "connection-lost", "http-status", "no-capabilities", "weak-algorithms", "weak-cipher", "weak-digest",
            ])
        // A proxy's page is no old server's.
        let page = Self.page
        for error in [
            AgentError.status(.getCACaps, 404, text: 0..<page.count),
            .scep(.getCACaps, .noCapabilities, text: 0..<page.count),
        ] {
            #expect(!Self.parts(error, page).2.contains("allow"))
        }
        // Nor is one that says nothing.
        #expect(!Self.parts(.exchange(.getCACaps, .receiving(.timedOut))).2.contains("allow"))
    }

    /// Of an error in DER it is said where it is, and the URL is not blamed.
    @Test func bytesThatCannotBeReadAreNotTheURLs() {
        let error = SCEPError.reply(DERError(.invalidBoolean, at: 312))
        let (_, _, remedy) = Self.parts(.scep(.getCACert, error, text: 0..<1), [0x30])
        #expect(!remedy.contains("url"))
    }

    @Test func refusedRenewalNamesItsType() {
        #expect(Self.parts(.scep(.renewalReq, .refused(.badRequest), text: 0..<0)).2.contains("renewal-type"))
        #expect(!Self.parts(.scep(.pkcsReq, .refused(.badRequest), text: 0..<0)).2.contains("renewal-type"))
    }

    /// What anybody can put into the reply to GetCACert is not to be trusted on the word of this table.
    @Test func unmarkedRAIsToBeVerifiedFirst() {
        let (_, _, remedy) = Self.parts(.scep(.getCACert, .unmarkedRA, text: 0..<0))
        #expect(remedy.hasPrefix("ask") && !remedy.contains("allow") && !remedy.contains("add"))
    }
}
