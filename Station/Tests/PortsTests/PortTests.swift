import Authority
import Foundation
import Ledger
import Line
import StationSupport
import Testing
import VirtualDevice

@testable import Ports

@Suite("Devices make their own keys, and are relayed and verified")
struct PortTests {
    @Test func devicesAtSeveralPortsAreVerified() async throws {
        try await PortBench.with { bench in
            let serials = (0..<6).map { "R\($0)" }
            try await bench.serve(serials, ports: 3) { terminals in
                for start in [0, 3] {
                    let devices = try (0..<3).map { try bench.device("R\(start + $0)", at: terminals[$0]) }
                    let isDone = await bench.run(devices)
                    #expect(isDone == [true, true, true])
                }
            }
            #expect(bench.results.count == 6 && bench.results.values.allSatisfy { $0 == .verified }, "\(bench.results)")
            for serial in serials {
                #expect(
                    try bench.ledger.auditEntries(of: serial).map(\.action) == [
                        "claimed", "key", "requested", "issued", "delivered", "verified",
                    ])
                #expect(try bench.ledger.certificates(of: serial).map(\.subject) == ["CN=\(serial)"])
            }
            #expect(bench.server.authority.issuedCertificates().count == 6)
        }
    }

    /// The jig's lamp and the label printer know which port, and which certificate.
    @Test func hooksAreRunForDevicesAtPorts() async throws {
        try await PortBench.with { bench in
            let log = bench.folder.appending(path: "hooks")
            let program = bench.folder.appending(path: "hook")
            let script = "#!/bin/sh\necho \"$1 $SCEP_SERIAL $SCEP_PORT $SCEP_FINGERPRINT$SCEP_CAUSE\" >> \(log.path)\n"
            try Data(script.utf8).write(to: program)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program.path)
            bench.station.hooks = Hooks(
                try Dictionary(
                    uniqueKeysWithValues: Hooks.Occasion.allCases.map {
                        ($0, try CommandTemplate("\(program.path) \($0)", known: Hooks.names))
                    }))
            try await bench.serve(["R1", "R2"], ports: 2) { terminals in
                _ = await bench.run([
                    try bench.device("R1", at: terminals[0]),
                    try bench.device("R2", at: terminals[1], in: nil, ["challenge-use=once", "subject=CN=other"]),
                ])
            }
            let fingerprint = try #require(try bench.ledger.certificates(of: "R1").first?.fingerprint)
            let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
            #expect(
                lines.filter { $0.contains(" R1 ") } == [
                    "issued R1 p0 \(fingerprint)", "verified R1 p0 \(fingerprint)",
                ])
            let failed = lines.filter { $0.contains(" R2 ") }
            #expect(failed.count == 1 && failed[0].hasPrefix("failed R2 p1 "), "\(lines)")
        }
    }

    @Test func aDeviceThatIsPluggedInAgainIsDone() async throws {
        try await PortBench.with { bench in
            try await bench.serve(["R1"], ports: 2) { terminals in
                for terminal in terminals {
                    let isDone = await bench.run([try bench.device("R1", at: terminal)])
                    #expect(isDone == [true])
                }
            }
            #expect(bench.results["R1"] == .done)
            #expect(bench.server.authority.issuedCertificates().count == 1)
        }
    }

    @Test func anotherDeviceWithTheSameSerialFails() async throws {
        try await PortBench.with { bench in
            try await bench.serve(["R1"], ports: 1) { terminals in
                _ = await bench.run([try bench.device("R1", at: terminals[0])])
                _ = await bench.run([try bench.device("R1", at: terminals[0], in: "clone")])
            }
            guard case .failed(let cause) = bench.results["R1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "second-device")
            #expect(bench.server.authority.issuedCertificates().count == 1, "the clone got none")
        }
    }

    @Test func aDeviceThatSaysAnothersSerialIsFoundOut() async throws {
        try await PortBench.with { bench in
            try await bench.serve(["R1"], ports: 1) { terminals in
                let place = bench.folder.appending(path: "liar")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                let liar = VirtualDevice(
                    serial: "R1", folder: place, configuration: try bench.configuration("R2"),
                    descriptor: terminals[0].descriptor)
                _ = await bench.run([liar])
            }
            guard case .failed(let cause) = bench.results["R1"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "other-subject" && cause.sentence.contains("CN=R2"))
        }
    }

    @Test func whatIsNotPlannedOrBelongsElsewhereGetsNothing() async throws {
        try await PortBench.with { bench in
            try await bench.serve(["R1"], ports: 1, port: "p7") { terminals in
                _ = await bench.run([try bench.device("R1", at: terminals[0])])
                _ = await bench.run([try bench.device("R9", at: terminals[0])])
            }
            #expect(bench.results["R1"] == .skipped("port p0: the manifest has it at port p7"))
            #expect(
                bench.results["R9"] == nil
                    && bench.events.contains(
                        .note("port p0: R9: no manifest has it, or its key is not to be made in the device"))
            )
            #expect(bench.server.authority.issuedCertificates().isEmpty)
        }
    }

    @Test func aRefusalIsRecordedAndTheNextTryIsAnotherAttempt() async throws {
        try await PortBench.with { bench in
            bench.server.authority.setFaults([FaultRule(.failure(Refusal(.badRequest, "no")), times: 1)])
            try await bench.serve(["R1"], ports: 1) { terminals in
                for _ in 0..<2 { _ = await bench.run([try bench.device("R1", at: terminals[0])]) }
            }
            let attempt = try #require(try bench.ledger.lastAttempt(of: "R1"))
            #expect(attempt.number == 2 && attempt.state == .verified)
            #expect(try bench.ledger.auditEntries(of: "R1").map(\.action).contains("failed"))
        }
    }

    @Test func aPersonApprovesWhileTheDeviceWaits() async throws {
        try await PortBench.with({ $0.policy = .afterPolls(2) }) { bench in
            try await bench.serve(["R1"], ports: 1) { terminals in
                _ = await bench.run([try bench.device("R1", at: terminals[0], in: nil, "poll=1", "poll-cap=1")])
            }
            #expect(bench.results["R1"] == .verified)
            #expect(
                try bench.ledger.auditEntries(of: "R1").map(\.action) == [
                    "claimed", "key", "requested", "pending", "issued", "delivered", "verified",
                ])
        }
    }

    /// Whichever way it asks: the device is who it says, and what it has stays what was verified.
    @Test(arguments: ["renewal-type=17", "renewal-type=19"])
    func aRenewalIsNotRelayedAndNoFailure(type: String) async throws {
        // A hundredth of its lifetime is over after three seconds.
        try await PortBench.with({
            $0.lifetime = 300
            $0.backdating = 0
        }) { bench in
            try await bench.serve(["R1"], ports: 1) { terminals in
                for lines in [["renew=99"], ["renew=1", "jitter=0", type]] {
                    _ = await bench.run([try bench.device("R1", at: terminals[0], in: nil, lines)])
                    try await Task.sleep(for: .seconds(4))
                }
            }
            let asked = bench.events.contains { event in
                if case .note(let text) = event {
                    text.contains("R1 asks for the renewal of its certificate")
                } else {
                    false
                }
            }
            #expect(asked, "\(bench.events)")
            #expect(bench.results["R1"] == .done, "\(bench.results)")
            #expect(bench.server.authority.issuedCertificates().count == 1)
            #expect(try bench.ledger.lastAttempt(of: "R1")?.state == .verified)
        }
    }

    /// Its answer was lost on the way, and the CA issues anew for each request: the ledger has what the device has.
    @Test func aCAThatIssuesTwiceLeavesOneLiveCertificate() async throws {
        try await PortBench.with({ $0.repeatsCertificates = false }) { bench in
            bench.server.authority.setFaults([FaultRule(.truncated(60), times: 1)])
            try await bench.serve(["R1"], ports: 1) { terminals in
                let place = bench.folder.appending(path: "device")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                let text = try bench.configuration("R1").replacing("retries=0", with: "retries=3")
                let device = VirtualDevice(
                    serial: "R1", folder: place, configuration: text, descriptor: terminals[0].descriptor)
                _ = await bench.run([device])
            }
            let issued = bench.server.authority.issuedCertificates().map(\.serial)
            let recorded = try bench.ledger.certificates(of: "R1")
            #expect(issued.count == 2 && bench.results["R1"] == .verified, "\(bench.results)")
            #expect(recorded.count == 1 && recorded[0].status == "live" && issued.contains(recorded[0].serialNumber))
            let transactions = try bench.ledger.auditEntries(of: "R1").filter { $0.action == "requested" }
            #expect(transactions.count == 1)
            _ = try bench.ledger.verifyAudit()
        }
    }
}

@Suite("What comes over the relay is read as a request of SCEP's, or not sent")
struct RelayedRequestTests {
    private func read(_ text: String, path: String = "/scep") throws -> RelayedRequest? {
        try RelayedRequest([UInt8](text.utf8), path: path)
    }

    @Test func requestsOfTheClient() throws {
        #expect(try read("GET /scep?operation=GetCACaps HTTP/1.0\r\nHost: ca\r\n\r\n")?.operation == "GetCACaps")
        #expect(try read("GET /scep?operation=GetCACert&message=x HTTP/1.1\r\n\r\n")?.operation == "GetCACert")
        #expect(
            try read("GET /scep?operation=PKIOperation&message=AAEC%2Bw%3D%3D HTTP/1.0\r\n\r\n")?.message == [
                0, 1, 2, 0xFB,
            ])
        let post = "POST /scep?operation=PKIOperation HTTP/1.0\r\nContent-Length: 3\r\n\r\n"
        #expect(try read(post + "abc")?.message == [97, 98, 99])
        let whole = [UInt8]((post + "abc").utf8)
        for end in 0..<whole.count { #expect(try RelayedRequest(Array(whole[..<end]), path: "/scep") == nil) }
    }

    @Test(arguments: [
        "GET /admin?operation=GetCACaps HTTP/1.0\r\n\r\n", "GET /scep?operation=Delete HTTP/1.0\r\n\r\n",
        "GET /scep HTTP/1.0\r\n\r\n",
        "PUT /scep?operation=PKIOperation HTTP/1.0\r\nContent-Length: 1\r\n\r\na", "CONNECT other:443 HTTP/1.0\r\n\r\n",
        "GET http://other/scep?operation=GetCACaps HTTP/1.0\r\n\r\n", "GET /scep?operation=GetCACaps\r\n\r\n",
        "GET /scep?operation=GetCACaps&operation=PKIOperation HTTP/1.0\r\n\r\n",
        "GET /scep/../admin?operation=GetCACaps HTTP/1.0\r\n\r\n",
        "POST /scep?operation=PKIOperation HTTP/1.0\r\n\r\n",
        "POST /scep?operation=PKIOperation HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /scep?operation=PKIOperation HTTP/1.0\r\nContent-Length: -1\r\n\r\n",
    ])
    func everythingElseIsRefused(text: String) {
        #expect(throws: RelayedRequest.Failure.notSCEP) { try read(text) }
    }

    /// What the station sends is its own: one request, to its server, that says what was read and nothing besides.
    @Test(arguments: [
        // A second request behind the first, which a server of a kept connection would take.
        "GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: ca\r\n\r\nGET /admin HTTP/1.1\r\n\r\n",
        // A name of another server at that address.
        "GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: admin.example\r\n\r\n",
        // Lines that end otherwise, and more than lines.
        "GET /scep?operation=GetCACaps HTTP/1.1\r\nA: b\n\nGET /admin HTTP/1.1\r\n\r\n",
        "GET /scep?operation=GetCACaps HTTP/1.1\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\n\r\n0\r\n\r\nPOST /",
        // The operation once more, in another spelling, and names that are none of SCEP's.
        "GET /scep?operation=GetCACaps&%6Fperation=PKIOperation&x=y HTTP/1.1\r\n\r\n",
    ])
    func whatIsSentIsTheStationsOwn(text: String) throws {
        let sent = try #require(try read(text)?.encoding(to: "http://ca.example:8080/scep"))
        #expect(
            String(decoding: sent, as: UTF8.self)
                == "GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: ca.example:8080\r\nUser-Agent: EmbeddedSCEP\r\nConnection: close\r\n\r\n"
        )
    }

    @Test func whatIsSentSaysTheSame() throws {
        func sent(_ text: String, to url: String = "http://ca/scep") throws -> String {
            String(decoding: try #require(try read(text)?.encoding(to: url)), as: UTF8.self)
        }
        #expect(
            try sent("GET /scep?operation=GetCACert&message=a%20%26b HTTP/1.0\r\n\r\n", to: "http://ca/scep?profile=x")
                .hasPrefix("GET /scep?profile=x&operation=GetCACert&message=a%20%26b HTTP/1.0\r\nHost: ca\r\n"))
        #expect(
            try sent("GET /scep?operation=PKIOperation&message=AAEC%2Bw%3D%3D HTTP/1.0\r\n\r\n")
                .hasPrefix("GET /scep?operation=PKIOperation&message=AAEC%2Bw%3D%3D HTTP/1.0\r\n"))
        let post = try sent(
            "POST /scep?operation=PKIOperation HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabcGET /"
        )
        #expect(post.hasPrefix("POST /scep?operation=PKIOperation HTTP/1.0\r\nHost: ca\r\n"))
        #expect(post.hasSuffix("\r\nContent-Length: 3\r\n\r\nabc") && !post.contains("chunked"))
    }

    @Test func endlessRequestsAndTLSAreRefused() {
        #expect(throws: RelayedRequest.Failure.tooLong) {
            try RelayedRequest([UInt8](repeating: 65, count: 65_537), path: "/")
        }
        #expect(throws: RelayedRequest.Failure.tooLong) {
            try read("POST /scep?operation=PKIOperation HTTP/1.0\r\nContent-Length: 65537\r\n\r\n")
        }
        #expect(throws: RelayedRequest.Failure.secured) { try RelayedRequest([22, 3, 1], path: "/") }
    }
}

@Suite("Ports are named")
struct PortAddressTests {
    @Test func forms() throws {
        #expect(PortAddress("/dev/ttyUSB0")?.name == "/dev/ttyUSB0")
        let full = try #require(PortAddress("left=/dev/ttyS0,9600,8E2"))
        #expect(full.name == "left")
        #expect(full.kind == .serial(path: "/dev/ttyS0", PortAddress.Settings(baud: 9600, parity: .even, stopBits: 2)))
        #expect(PortAddress("r=tcp:10.0.0.7:4001")?.kind == .tcp(host: "10.0.0.7", port: 4001))
        #expect(PortAddress("r=tcp:[::1]:4001")?.kind == .tcp(host: "::1", port: 4001))
    }

    @Test(arguments: [
        "", "=", "a=", "ttyUSB0", "a=/dev/x,12345", "a=/dev/x,9600,7E1", "a=/dev/x,9600,8X1", "a=/dev/x,9600,8N1,y",
        "a=tcp:host", "a=tcp::1", "a=tcp:h:0", "a=tcp:h:99999",
    ])
    func whatIsNone(text: String) { #expect(PortAddress(text) == nil) }
}
