import Authority
import AuthorityServer
import EmulationTestSupport
import Foundation
import LibCrypto
import Testing

@Suite struct AuthorityServerTests {
    /// Runs `body` with a server on a free port.
    func serving(
        _ edit: (inout CAConfiguration) -> Void = { _ in }, _ body: (AuthorityServer) async throws -> Void
    ) async throws {
        try await EmulationTestSupport.serving(
            { try await AuthorityServer(makeAuthority(edit), adminPort: 0) }, body)
    }

    @Test func http10IsAnsweredInHTTP10() async throws {
        try await serving({ $0.clock = { Date(timeIntervalSince1970: 784_111_777) } }) { server in
            let response = try await Wire.exchange(
                port: server.port, "GET /any/path?operation=GetCACert HTTP/1.0\r\nHost: ca\r\n\r\n")
            #expect(response.statusLine == "HTTP/1.0 200 OK")
            #expect(response.fields.contains("Content-Length: \(server.authority.trustAnchor.der.count)"))
            #expect(response.fields.contains("Connection: close"))
            #expect(response.fields.contains("Content-Type: application/x-x509-ca-cert"))
            // The example of RFC 9110, section 5.6.7.
            #expect(response.fields.contains("Date: Sun, 06 Nov 1994 08:49:37 GMT"))
            #expect(response.body == server.authority.trustAnchor.der)
        }
    }

    @Test func aConnectionOfHTTP11IsKept() async throws {
        try await serving { server in
            let wire = try await Wire(port: server.port)
            let ask = "GET /?operation=GetCACaps HTTP/1.1\r\nHost: ca\r\n"
            // Two at once, the second asks for the end.
            try await wire.send(ask + "\r\n" + ask + "Connection: close\r\n\r\n")
            let text = String(decoding: try await wire.rest(), as: UTF8.self)
            try wire.close()
            #expect(text.split(separator: "HTTP/1.1 200 OK").count == 2)
            #expect(text.contains("Connection: keep-alive"))
            #expect(text.contains("Connection: close"))
        }
    }

    @Test func aLongGetIsTaken() async throws {
        try await serving { server in
            let authority = server.authority
            let client = try Client()
            let message = try client.message(
                .pkcsReq,
                client.request(extensions: [
                    ExtensionText("subjectAltName", "URI:urn:" + String(repeating: "x", count: 20_000))
                ]), transactionID: "long", for: authority.recipient)
            let text = Data(message).base64EncodedString().addingPercentEncoding(withAllowedCharacters: .alphanumerics)
            let response = try await Wire.exchange(
                port: server.port, "GET /scep?operation=PKIOperation&message=\(#require(text)) HTTP/1.0\r\n\r\n")
            #expect(try Reply(response.body).status == .success)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/2\r\n\r\n", "HTTP/1.0 400 Bad Request"),
        ("GET /?operation=GetCACaps HTTP/1.0\r\nno field\r\n\r\n", "HTTP/1.0 400 Bad Request"),
        ("POST /?operation=PKIOperation HTTP/1.0\r\n\r\n", "HTTP/1.0 411 Length Required"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 411 Length Required"),
        ("POST / HTTP/1.0\r\nContent-Length: -1\r\n\r\n", "HTTP/1.0 400 Bad Request"),
        ("POST / HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n", "HTTP/1.0 413 Content Too Large"),
        ("GET /favicon.ico HTTP/1.0\r\n\r\n", "HTTP/1.0 404 Not Found"),
        ("PUT / HTTP/1.0\r\n\r\n", "HTTP/1.0 405 Method Not Allowed"),
    ])
    func aWrongRequestIsToldSo(_ request: String, _ statusLine: String) async throws {
        try await serving { server in
            let response = try await Wire.exchange(port: server.port, request)
            #expect(response.statusLine == statusLine)
            #expect(!response.body.isEmpty)
        }
    }

    @Test func peopleFindTheCertificateAndTheList() async throws {
        try await serving { server in
            let pem = try await Wire.exchange(port: server.port, "GET /ca.pem HTTP/1.0\r\n\r\n")
            #expect(try Certificate(pem: pem.body) == server.authority.trustAnchor)
            let page = try await Wire.exchange(port: server.port, "GET / HTTP/1.0\r\n\r\n")
            let fingerprint = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
            #expect(String(decoding: page.body, as: UTF8.self).contains(fingerprint))
            let list = try await Wire.exchange(port: server.port, "GET /crl HTTP/1.0\r\n\r\n")
            #expect(list.body.first == 0x30)
        }
    }

    @Test func faultsReachTheWire() async throws {
        try await serving { server in
            func ask(_ fault: Fault) async throws -> Response {
                server.authority.setFaults([FaultRule(fault, operations: [.getCACert])])
                return try await Wire.exchange(
                    port: server.port, "GET /?operation=GetCACert HTTP/1.0\r\nHost: ca\r\n\r\n")
            }
            let whole = server.authority.trustAnchor.der
            let cut = try await ask(.truncated(10))
            #expect(cut.fields.contains("Content-Length: \(whole.count)"))
            #expect(cut.body == Array(whole.prefix(10)))
            let padded = try await ask(.oversized(200_000))
            #expect(padded.fields.contains("Content-Length: 200000"))
            #expect(padded.body.count == 200_000)
            #expect(try await ask(.close).statusLine.isEmpty)
            #expect(try await ask(.status(503)).statusLine == "HTTP/1.0 503 Service Unavailable")
            let start = ContinuousClock.now
            #expect(try await ask(.stall(0.3)).body == whole)
            #expect(ContinuousClock.now - start >= .milliseconds(300))
        }
    }

    @Test func aGigabyteCanBeLeft() async throws {
        try await serving { server in
            server.authority.setFaults([FaultRule(.oversized(1 << 30), operations: [.getCACert])])
            let wire = try await Wire(port: server.port)
            try await wire.send("GET /?operation=GetCACert HTTP/1.0\r\n\r\n")
            #expect(try await wire.rest(limit: 300_000).count >= 300_000)
            try wire.close()
            server.authority.setFaults([])
            let response = try await Wire.exchange(port: server.port, "GET /?operation=GetCACert HTTP/1.0\r\n\r\n")
            #expect(response.body == server.authority.trustAnchor.der)
        }
    }

    @Test(arguments: [(HTTPStyle.Framing.chunked, true), (.close, false)])
    func otherFramings(_ framing: HTTPStyle.Framing, _ isChunked: Bool) async throws {
        try await serving({
            $0.profile.http.framing = framing
            $0.profile.http.version = .http11
        }) { server in
            let response = try await Wire.exchange(
                port: server.port, "GET /?operation=GetCACert HTTP/1.0\r\nHost: ca\r\n\r\n")
            #expect(response.statusLine == "HTTP/1.1 200 OK")
            #expect(!response.fields.contains { $0.hasPrefix("Content-Length") })
            #expect(response.fields.contains("Transfer-Encoding: chunked") == isChunked)
            let whole = server.authority.trustAnchor.der
            let size = [UInt8]("\(String(whole.count, radix: 16))\r\n".utf8)
            let expected = isChunked ? size + whole + [UInt8]("\r\n0\r\n\r\n".utf8) : whole
            #expect(response.body == expected)
        }
    }

    @Test func manyEnrolAtOnce() async throws {
        let passwords = (0..<20).map { OneTimePassword(device: "device-\($0)", password: "password-\($0)") }
        try await serving({
            $0.challenge = .oneTime(passwords)
            $0.registrationAuthority = .split
        }) { server in
            try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let client = try Client("device-\(index)", key: Keys.device(index % 3))
                        let message = try client.message(
                            .pkcsReq, client.request(challenge: "password-\(index)"), transactionID: "\(index)",
                            for: server.authority.recipient)
                        // Each twice at once: a password is good for one certificate all the same.
                        async let twin = Wire.post(port: server.port, message)
                        let first = try Reply(await Wire.post(port: server.port, message).body)
                        let second = try Reply(await twin.body)
                        let certificates = try first.certificates(for: client)
                        #expect(try second.certificates(for: client) == certificates)
                        #expect(certificates.first?.subject == client.subject)
                        return certificates.first?.serialText ?? ""
                    }
                }
                let serials = try await group.reduce(into: Set<String>()) { $0.insert($1) }
                #expect(serials.count == 20)
            }
            #expect(server.authority.issuedCertificates().count == 20)
        }
    }

    @Test func theAdministrationAPIAnswers() async throws {
        try await serving({
            $0.policy = .manual
            $0.challenge = .oneTime([])
        }) { server in
            let administrator = AdministrationClient(port: try #require(server.adminPort))
            let authority = server.authority
            let password = try await administrator.send("POST", path: ["passwords"], parameters: ["device": "device"])
                .trimmingCharacters(in: .newlines)
            let client = try Client()
            let id = "a/b +c"
            #expect(try authority.enrol(client, transactionID: id, challenge: password).status == .pending)
            #expect(try await administrator.send("GET", path: ["transactions"]).contains("\"state\" : \"pending\""))
            let serial = try await administrator.send("POST", path: ["transactions", id, "approve"])
                .trimmingCharacters(in: .newlines)
            #expect(try authority.poll(client, transactionID: id).certificates(for: client).first?.serialText == serial)
            _ = try await administrator.send(
                "POST", path: ["certificates", serial, "revoke"], parameters: ["reason": "1"])
            #expect(try await administrator.send("GET", path: ["certificates"]).contains("\"isRevoked\" : true"))
            _ = try await administrator.send("POST", path: ["next-ca"])
            let next = try #require(authority.nextTrustAnchor)
            _ = try await administrator.send("POST", path: ["rollover"])
            #expect(authority.trustAnchor == next)
            _ = try await administrator.send(
                "POST", path: ["faults"], parameters: ["rules": "status=503@GetCACaps#1;html"])
            #expect(authority.get("GetCACaps").status == 503)
            let error = await #expect(throws: CAConfigurationError.self) {
                try await administrator.send("POST", path: ["transactions", id, "refuse"])
            }
            #expect(error?.description == "transaction \(id) is not pending\n")
        }
    }

    @Test func aTakenPortIsNamed() async throws {
        try await serving { server in
            let error = await #expect(throws: CAConfigurationError.self) {
                try await AuthorityServer(Shared.plain, port: server.port)
            }
            #expect(error?.description.hasPrefix("cannot listen on 127.0.0.1 port \(server.port): ") == true)
        }
    }
}
