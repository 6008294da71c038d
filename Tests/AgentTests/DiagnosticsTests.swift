import Agent
import Board
import DER
import HTTP
import PKIX
import SCEP
import Testing

@Suite struct DiagnosticsTests {
    private struct Lines: Log {
        var lines: [String] = []

        mutating func write(line: Span<UInt8>) {
            lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
        }
    }

    private func words(_ error: AgentError?, _ work: String = "") throws -> String {
        var log = Lines()
        let bytes = Array(work.utf8)
        logResult(error, work: bytes.span, log: &log)
        return try #require(log.lines.first)
    }

    /// `error <kind>: <sentence>` in one line that fits, whatever happened.
    @Test func everyErrorHasItsWords() throws {
        for error in Errors.all {
            let line = try words(error)
            #expect(line.wholeMatch(of: /error [a-z]+(-[a-z]+)*: .{20,}/) != nil, "\(line)")
            // The gaps of the table's rows are filled.
            #expect(!line.contains(/[$#%&~]/), "\(line)")
            #expect(line.utf8.count < 240, "no space for the far side's words: \(line)")
        }
    }

    @Test func successIsOneWord() throws {
        #expect(try words(nil) == "done")
    }

    /// The bytes of lines that programs and people know; `$` and `#` are filled in, and the place is said.
    @Test(arguments: [
        (
            AgentError.exchange(.pkcsReq, .connecting(.refused)),
            "error connection-refused: nothing listens at url; is the CA running? (connecting, PKCSReq)"
        ),
        (
            .exchange(.getCACert, .receiving(.timedOut)),
            "error timed-out: the CA was silent for too long; raise timeout (waiting for the reply, GetCACert)"
        ),
        (
            .exchange(.getCACert, .reply(HTTPError(.bodyTooLarge, at: 90, size: 1_048_576))),
            "error reply-too-large: the reply does not fit the work buffer; enlarge that, or have the CA send less"
        ),
        (
            .exchange(.getCACert, .reply(HTTPError(.badChunk, at: 90))),
            "error http-malformed: the reply is not proper HTTP; check server and proxies (GetCACert, byte 90)"
        ),
        (
            .scep(.getCACert, .reply(DERError(.invalidBoolean, at: 312)), text: 0..<0),
            "error reply-malformed: the reply to GetCACert cannot be read; tell the CA's operator (code 8 at byte 312)"
        ),
        (
            .configuration(ConfigurationError(.duplicate, .url, at: 17, line: 4)),
            "error configuration: line 4 sets url again; take one out"
        ),
        (
            .scep(.pkcsReq, .belowFloor(Leniency.sha1.union(.tripleDES)), text: 0..<0),
            "error weak-algorithms: the CA uses SHA-1 and triple DES; upgrade it, or set allow=sha1,3des"
        ),
        (
            .scep(.pkcsReq, .refused(.missing), text: 0..<0),
            "error refused: the CA says no (no reason); check challenge and subject"
        ),
        (
            .scep(.getCACert, .notDER(.json), text: 0..<0),
            "error not-scep: the reply to GetCACert is JSON; check url and message"
        ),
        (
            .exchange(.getCACaps, .receiving(.reset)),
            "error connection-lost: the connection broke; try again; if GetCACert is answered, set allow=sha1,3des "
                + "(waiting for the reply, GetCACaps)"
        ),
        (
            .scep(.pkcsReq, .caKeyUnusable(.rsaSize(bits: 1024)), text: 0..<0),
            "error ca-key: a key of the CA or its RA is of no use here, being RSA-1024; ask the CA's operator"
        ),
        (.passwordSpent, "error password-spent: challenge went into a request that has ended; set another"),
        (
            .scep(.pkcsReq, .refused(.badCertId), text: 0..<0),
            "error refused: the CA says no (badCertId); check challenge and subject"
        ),
        (
            .status(.getCACert, 503, text: 0..<0),
            "error http-status: the answer to GetCACert is HTTP 503; try again later: the server is busy"
        ),
    ])
    func gapsAreFilled(_ error: AgentError, _ line: String) throws {
        #expect(try words(error) == line)
    }

    /// What the far side said is shown, and can neither forge a line, nor command a terminal, nor be read backwards.
    @Test func theFarSideIsQuoted() throws {
        let said = "no\r\ndone\u{1B}[2J \u{9B}\u{202E}é\u{2028}\u{7F}such \r\n"
        let line = try words(.scep(.pkcsReq, .refused(.badRequest), text: 2..<(2 + said.utf8.count)), "--" + said)
        #expect(line.contains("badRequest"))
        #expect(
            line.hasSuffix(
                #"it says: no\0D\0Adone\1B[2J \C2\9B\E2\80\AE\C3\A9\E2\80\A8\7Fsuch "#), "\(line)")
    }
}
