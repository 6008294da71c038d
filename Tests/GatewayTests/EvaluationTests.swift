import Agent
import Board
import DeviceCrypto
import Foundation
import SCEP
import SimulatedStorage
import TestKeys
import TestSupport
import Testing

@testable import Agent
@testable import Gateway
@testable import Inspection
@testable import InspectionSupport
@testable import Output
@testable import HTTP

/// `scep ca`, `scep inspect` and `scep enroll` make the same of the same certificates.
@Suite struct EvaluationTests {
    private typealias Device = Agent<SoftwareKey, 16_384>

    private struct Lines: AgentLog {
        var lines: [String] = []
        mutating func write(line: Span<UInt8>) { lines.append(String(decoding: Text(line), as: UTF8.self)) }
    }

    /// What the agent makes of a reply to GetCACert: the error's kind, what it trusts, and its warnings.
    private func enrolled(
        _ setup: CASetup, _ bundle: [UInt8], _ pins: String
    ) throws -> (error: Text?, trusted: [UInt8], warnings: [String], failure: Failure?) {
        var lines = [
            "url=http://ca.example/scep", "fingerprint=\(pins)", "subject=CN=sensor", "retries=0", "key=\(setup.key)",
            "challenge=secret", "challenge-use=always",
        ]
        if !setup.allow.isEmpty { lines.append("allow=\(setup.allow)") }
        let text = Array(lines.joined(separator: "\n").utf8)
        let configuration = try Configuration(text.span)
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 4096, sectorCount: 32, erasedValue: 0xFF)
        var store = IdentityStore(
            NORSnapshots<SimulatedFlash, 2048>(SimulatedFlash(geometry), capacity: Device.snapshotCapacity))
        var random = try seededRandom()
        var agent = Device()
        agent.mayWait = false
        let capabilities = Array("AES\nSHA-256\nPOSTPKIOperation\n".utf8)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var log = Lines()
        var error: AgentError?
        do throws(AgentError) {
            var work = buffer.mutableSpan
            try agent.start(configuration: configuration, store: &store, work: &work)
            for (index, body) in [capabilities, bundle].enumerated() {
                let action = try agent.step(
                    configuration: configuration, clock: setup.time, uptime: 0, store: &store, work: &work,
                    random: &random)
                #expect(action == .exchange(index == 0 ? .getCACaps : .getCACert, .none))
                for (index, byte) in body.enumerated() { work[index] = byte }
                var response = Response()
                response.status = 200
                response.body = 0..<body.count
                try agent.received(
                    response, to: index == 0 ? .getCACaps : .getCACert, configuration: configuration, store: &store,
                    work: &work, random: &random)
            }
        } catch let failure {
            error = failure
        }
        agent.logEvent(configuration, uptime: 0, buffer.span, &log)
        var kind: Text?
        var failure: Failure?
        if let error {
            let found = Failure(error, buffer.span)
            kind = found.kind
            failure = Failure(.status(.pkcsReq, 500, text: 0..<0), buffer.span)
                .mentioning(agent.passedOver, after: .status(.pkcsReq, 500, text: 0..<0))
        } else {
            failure = Failure(.scep(.pkcsReq, .refused(.badRequest), text: 0..<0), buffer.span)
                .mentioning(agent.passedOver, after: .scep(.pkcsReq, .refused(.badRequest), text: 0..<0))
        }
        let trusted = Array(agent.caCertificates.span.array[agent.currentCA])
        return (kind, trusted, log.lines.filter { $0.hasPrefix("warning: ") }, failure)
    }

    @Test(arguments: CASetup.all.indices)
    func theThreeAgree(index: Int) throws {
        let setup = CASetup.all[index]
        let comment = Comment(rawValue: setup.name)
        let certificates = try setup.certificates()
        let stranger = String(repeating: "5a", count: 32)
        let pins = try setup.pins.map { $0 < certificates.count ? try certificates[$0].fingerprint() : stranger }
            .joined(separator: ",")
        let der = certificates.flatMap(\.der)
        let bundle = try OpenSSLIdentity.bundle(certificates)
        let order = splitCertificates(Inspection.certificates(in: bundle)).map { encoding in
            certificates.firstIndex { $0.der == encoding } ?? -1
        }
        #expect(order == Array(certificates.indices), comment)
        let policy = try #require(
            Policy(allowing: Array(setup.allow.utf8).span) ?? (setup.allow.isEmpty ? Policy() : nil))

        // enroll
        let enrolled = try enrolled(setup, bundle, pins)
        // A single certificate may be the first of a chain.
        #expect(enrolled.error.map { String(decoding: $0, as: UTF8.self) } == setup.error, comment)
        #expect(enrolled.warnings.count == setup.warnings, "\(setup.name): \(enrolled.warnings)")
        let mention = String(decoding: enrolled.failure?.message ?? [], as: UTF8.self)
        #expect(mention.contains("is not trusted, which may be why") == (setup.warnings > 0), comment)

        // ca
        var report = Report(.json)
        let evaluator = CAEvaluator(
            certificates: der, fingerprint: Array(pins.utf8), canDecrypt: setup.key.hasPrefix("rsa"), policy: policy,
            moment: .exact(setup.time))
        let evaluation = evaluator.describe(&report)
        let document = try JSONSerialization.jsonObject(with: Data(report.finish()))
        let listed = Found(value: document)["certificates"].items
        let kind = evaluation.failure.map { Failure(.scep(.getCACert, $0, text: 0..<0), Span()).kind }
        #expect(kind == enrolled.error, comment)
        #expect(
            evaluation.failure.map { _ in [] } ?? evaluation.trusted == (setup.error == nil ? enrolled.trusted : []),
            comment)
        let isRefused = setup.error != nil && !["no-encryption"].contains(setup.error)
        if !isRefused {
            #expect(listed.map { $0["trusted"].value as? Bool == true ? "T" : "-" }.joined() == setup.trusted, comment)
        }
        #expect(listed.firstIndex { $0["encryptsTo"].value as? Bool == true } == setup.recipient, comment)

        // inspect
        let inspecting = Inspecting(
            fingerprint: pins, moment: .exact(setup.time), policy: policy, canDecrypt: setup.key.hasPrefix("rsa"))
        let found = try inspecting.json(bundle).object
        #expect(found.result("fingerprint") == (setup.error == nil ? "pass" : "fail"), comment)
        // What `enroll` warns of is told here, too; where it ends, it warns of nothing.
        if setup.error == nil {
            #expect((found.result("passedOver") == "unknown") == (setup.warnings > 0), comment)
        }
        let authorities = found["authorities"].items
        for name in ["role", "reason"] {
            #expect(authorities.map { $0[name].text } == listed.map { $0[name].text }, comment)
        }
        let reason = found["checks"].items.first { $0["name"].text == "fingerprint" }?["reason"].text ?? ""
        if let failure = evaluation.failure {
            var words = Text()
            words.append(failure)
            #expect(reason.hasSuffix(String(decoding: words, as: UTF8.self)), comment)
        }
    }

    /// Of each certificate that is passed over, why; whoever reads it has to be able to mend it.
    @Test func reasonsAreTold() throws {
        for (name, role, part) in [
            ("issuing CA with critical policies", "CA", "certificatePolicies"),
            ("RA that has expired", "RA", "it has expired"), ("SHA-1 issuing CA", "CA", "weak digest"),
            ("issuing CA that signs no certificates", "other", "key usage"),
            ("no capacity below the root", "CA", "may have none below"),
        ] {
            let setup = try #require(CASetup.all.first { $0.name == name })
            let certificates = try setup.certificates()
            let evaluation = Evaluation(
                certificates.flatMap(\.der), fingerprints: Array(try certificates[0].fingerprint().utf8),
                canDecrypt: true, policy: Policy(), moment: .exact(setup.time))
            #expect("\(evaluation.items[1].role)" == role)
            #expect(String(decoding: evaluation.items[1].reason, as: UTF8.self).contains(part))
        }
    }

    /// Without a fingerprint nothing is verified, and what no pin makes good is refused all the same.
    @Test func withoutAFingerprint() throws {
        for (name, error) in [
            ("root and issuing CA", nil), ("RSA-1024", "ca-key"), ("EC CA, RSA device", "no-encryption"),
            ("unmarked RA", nil), ("root that signs no certificates", "not-a-ca"), ("version 1", nil),
        ] as [(String, String?)] {
            let setup = try #require(CASetup.all.first { $0.name == name })
            let certificates = try setup.certificates().flatMap(\.der)
            var report = Report(.json)
            let evaluator = CAEvaluator(
                certificates: certificates, fingerprint: nil, canDecrypt: true, policy: Policy(),
                moment: .exact(setup.time))
            let failure = evaluator.describe(&report).failure
            let kind = failure.map { Failure(.scep(.getCACert, $0, text: 0..<0), Span()).kind }
            #expect(kind.map { String(decoding: $0, as: UTF8.self) } == error)
            let found = Found(value: try JSONSerialization.jsonObject(with: Data(report.finish())))
            #expect(found["verified"].value as? Bool == false)
            for item in found["certificates"].items {
                #expect(item["trusted"].value == nil)
                let words = item["ifPinned"].text ?? ""
                #expect(words.hasPrefix("not verified; would trust ") || words.hasPrefix("would be refused: "))
            }
            let inspected = try Inspecting(moment: .exact(setup.time)).json(certificates)
            let result = inspected.result("fingerprint") ?? inspected.object.result("fingerprint")
            // A single certificate that is no CA's is nobody's bundle.
            #expect(result == (error == nil ? "unknown" : error == "not-a-ca" ? nil : "fail"), "\(name)")
        }
    }
}
