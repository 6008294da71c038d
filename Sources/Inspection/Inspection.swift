import Agent
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

/// Describes what stands in files, and checks what can be checked: `scep inspect`.
///
/// - Parameters:
///   - random: blinds what is computed with the key. Wiped after use.
///   - read: reads a file, which is wiped after use.
/// - Returns: how many checks passed and failed.
@discardableResult
package func inspect(
    _ files: [Text], _ options: consuming InspectOptions, random: consuming RandomGenerator, into report: inout Report,
    read: (Text) throws(Failure) -> [UInt8]
) throws(Failure) -> InspectSummary {
    var inspection = try Inspection(options, random)
    swap(&inspection.report, &report)
    defer {
        swap(&inspection.report, &report)
        inspection.wipe()
    }
    inspection.report.beginList("files")
    for file in files {
        var bytes = try read(file)
        inspection.describe(file: file, bytes)
        bytes.wipe()
    }
    inspection.report.endList()
    inspection.describeSummary()
    return inspection.summary
}

/// How a check came out.
enum CheckResult {
    case pass, fail
    /// Something is missing to tell.
    case unknown

    var word: StaticString {
        switch self {
        case .pass: "pass"
        case .fail: "fail"
        case .unknown: "unknown"
        }
    }
}

/// One pass over what an operator wants to know about.
///
/// The description is tolerant: it goes on as long as anything can be read. What the client would make of the same bytes
/// is one of the checks, and comes from the client's own readers.
struct Inspection: ~Copyable {
    struct Check {
        let name: StaticString
        let result: CheckResult
        let reason: Text
    }

    /// Objects within objects are followed so deep: a reply in a file has three.
    static var maximumDepth: Int { 6 }

    var report = Report(.lines)
    var options: InspectOptions
    var random: RandomGenerator
    /// The CA's certificates, one after the other in DER, as they were given.
    let ca: [UInt8]
    let request: RequestFacts?
    private(set) var summary = InspectSummary()
    var depth = 0
    /// What the last envelope held, once it was opened; empty before. Wiped after use.
    var opened: [UInt8] = []
    var isInEnvelope = false
    /// Whether bytes are shown of what is not recognized: of what a server has sent. Any other file may be somebody's secret.
    var showsUnknown = false
    /// Whether the object that is described is all of its file.
    var isSingle = true
    /// Whether the envelope that is described is a reply's: that of the request is to the CA's key, that of the reply to
    /// the key that signed the request.
    var isOfReply: Bool?
    /// Of the objects that are being described, the innermost last.
    private var checks: [[Check]] = []
    /// Of all files, in the order in which they were noticed.
    private var failures: [Text] = []

    /// Reads what there is to compare with.
    init(_ options: consuming InspectOptions, _ random: consuming RandomGenerator) throws(Failure) {
        ca = Self.certificates(in: options.ca)
        request = RequestFacts(options.request)
        self.options = options
        self.random = random
        do throws(Failure) {
            try checkOptions()
        } catch {
            wipe()
            throw error
        }
    }

    private func checkOptions() throws(Failure) {
        guard options.ca.isEmpty || !ca.isEmpty else {
            throw Failure(.usage, "bad-ca-file", "there is no certificate in the CA's file")
        }
        guard options.request.isEmpty || request != nil else {
            throw Failure(.usage, "bad-request-file", "the request's file has no pkiMessage that can be read")
        }
        guard options.fingerprints.isEmpty || Fingerprints(options.fingerprints.span) != nil else {
            throw Failure(.usage, "bad-fingerprint", "a fingerprint has 64 or 128 hexadecimal digits")
        }
    }

    mutating func wipe() {
        options.key.wipe()
        options.password.wipe()
        options.ca.wipe()
        options.request.wipe()
        opened.wipe()
        random.wipe()
    }

    // MARK: checks

    @inline(never)
    mutating func check(_ name: StaticString, _ result: CheckResult, _ reason: Text) {
        guard !checks.isEmpty else { return }
        checks[checks.count - 1].append(Check(name: name, result: result, reason: reason))
        switch result {
        case .pass: summary.passed += 1
        case .fail:
            summary.failed += 1
            var line = Text(name)
            line.append(": ")
            line.append(reason)
            failures.append(line)
        case .unknown: summary.unknown += 1
        }
    }

    @inline(never)
    mutating func check(_ name: StaticString, _ result: CheckResult, _ reason: StaticString) {
        check(name, result, Text(reason))
    }

    @inline(never)
    mutating func check(_ name: StaticString, _ result: CheckResult, _ reason: StaticString, _ error: DERError) {
        var text = Text(reason)
        text.append(error)
        check(name, result, text)
    }

    /// Begins what has checks of its own; ``endChecks()`` writes them.
    @inline(never)
    mutating func beginChecks() { checks.append([]) }

    @inline(never)
    mutating func endChecks() {
        guard let list = checks.popLast(), !list.isEmpty else { return }
        report.beginList("checks")
        for check in list { report.check(check.name, check.result.word, check.reason.span) }
        report.endList()
    }

    mutating func describeSummary() {
        report.beginObject("summary")
        report.field("pass", number: summary.passed)
        report.field("fail", number: summary.failed)
        report.field("unknown", number: summary.unknown)
        if summary.unrecognized > 0 { report.field("unrecognized", number: summary.unrecognized) }
        if !failures.isEmpty {
            report.beginList("failures")
            for failure in failures { report.item(failure.span) }
            report.endList()
        }
        report.endObject()
    }

    mutating func countUnrecognized() { summary.unrecognized += 1 }
}
