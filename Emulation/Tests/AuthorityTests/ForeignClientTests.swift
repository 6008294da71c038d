import Authority
import AuthorityServer
import Emulator
import EmulationTestSupport
import Foundation
import LibCrypto
import TestSupport
import Testing

/// Clients that others wrote, so that the authority is not our own client's mirror. Where one of them cannot do
/// something, its exact words are here.
@Suite struct ForeignClientTests {
    /// An authority that listens, and a folder in which a client runs.
    private struct Stage: Sendable {
        let server: AuthorityServer
        let folder: URL

        var authority: Authority { server.authority }

        /// A shell script that finds the authority at `$URL`, and its CA's certificate in `ca.pem` and `ca.der`.
        func program(_ script: String) throws -> Program {
            try Data(authority.trustAnchor.pem()).write(to: folder.appending(path: "ca.pem"))
            try Data(authority.trustAnchor.der).write(to: folder.appending(path: "ca.der"))
            return Program(
                executable: "/bin/sh", arguments: ["-c", "URL=\(server.url)\n" + script], folder: folder,
                origin: "Debian")
        }

        func run(_ script: String) async throws -> (ending: Ending, lines: [String]) {
            let run = try await program(script).run(timeLimit: .hang) { try await $0.end() }
            return (run.ending, run.lines.map(\.text))
        }

        /// The certificate in a file, which the CA issued and whose key is in another.
        func certificate(_ name: String = "cert.pem", key: String = "key.pem") throws -> Certificate {
            let certificate = try Certificate(pem: [UInt8](Data(contentsOf: folder.appending(path: name))))
            try OpenSSLCheck.verify(
                certificate, root: authority.trustAnchor, intermediates: [authority.issuingCertificate])
            let key = try PrivateKey(pem: [UInt8](Data(contentsOf: folder.appending(path: key))))
            #expect(try certificate.publicKey == key.publicKey())
            return certificate
        }
    }

    private func stage(
        _ edit: @escaping (inout CAConfiguration) -> Void = { _ in }, _ body: (Stage) async throws -> Void
    ) async throws {
        let server = try await AuthorityServer(
            try makeAuthority {
                $0.challenge = .shared("word")
                edit(&$0)
            })
        do {
            try await withTemporaryDirectory { try await body(Stage(server: server, folder: $0)) }
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }
}

// MARK: micromdm's client, of Debian's package scep. It asks in single DES.

extension ForeignClientTests {
    private static func scepclient(_ release: SCEPServer.Release, _ challenge: String) -> String {
        "'\(release.folder)/scepclient' -server-url $URL -private-key key.pem -certificate cert.pem -cn foreigner "
            + "-challenge \(challenge)"
    }

    @Test(arguments: SCEPServer.Release.allCases)
    func scepclientEnrolsAndRenews(release: SCEPServer.Release) async throws {
        try await stage({
            $0.acceptsObsoleteAlgorithms = true
            $0.registrationAuthority = .single
        }) { stage in
            let enrolled = try await stage.run(Self.scepclient(release, "word"))
            #expect(enrolled.ending == .exited(0), "\(enrolled.lines)")
            let first = try stage.certificate()
            #expect(first.subject.identifiers == ["foreigner"])
            let renewed = try await stage.run(Self.scepclient(release, "word"))
            #expect(renewed.ending == .exited(0), "\(renewed.lines)")
            let entries = stage.authority.ledger.entries
            #expect(entries.map(\.messageType) == [.pkcsReq, .renewalReq])
            #expect(entries.map(\.renews) == [nil, first.serialText])
        }
    }

    @Test(
        arguments: [
            (true, "another", "PKCSReq (19) request failed, failInfo: badRequest (2)"),
            (false, "word", "PKCSReq (19) request failed, failInfo: badAlg (0)"),
        ], SCEPServer.Release.allCases)
    func scepclientIsRefused(
        row: (acceptsObsolete: Bool, challenge: String, words: String), release: SCEPServer.Release
    ) async throws {
        let (acceptsObsolete, challenge, words) = row
        try await stage({ $0.acceptsObsoleteAlgorithms = acceptsObsolete }) { stage in
            let refused = try await stage.run(Self.scepclient(release, challenge))
            #expect(refused.ending == .exited(1))
            #expect(refused.lines.last == words)
        }
    }

    /// It does not poll: it waits for half a minute, which nobody waits for here, and asks for the same again.
    @Test(arguments: SCEPServer.Release.allCases)
    func scepclientWaits(release: SCEPServer.Release) async throws {
        try await stage({
            $0.acceptsObsoleteAlgorithms = true
            $0.policy = .manual
        }) { stage in
            let program = try stage.program("exec " + Self.scepclient(release, "word"))
            _ = try await program.run(timeLimit: .hang) { running in
                try await running.line(
                    containing: "pkiStatus=PENDING msg=\"sleeping for 30 seconds, then trying again.\"")
            }
            #expect(stage.authority.transactions().map(\.state) == ["pending"])
        }
    }
}

// MARK: certmonger, of Debian. It asks by GET, in AES, and renews by PKCSReq.

extension ForeignClientTests {
    /// The daemon with no bus, while `script` runs; and what `getcert list` says of the request in the end.
    private func certmonger(_ script: String, _ stage: Stage) async throws -> [String] {
        // The daemon passes no environment on.
        try Data("set -e\nURL=\(stage.server.url)\ncd '\(stage.folder.path)'\n\(script)".utf8)
            .write(to: stage.folder.appending(path: "script"))
        let daemon = """
            export CERTMONGER_CONFIG_DIR=$PWD/config CERTMONGER_REQUESTS_DIR=$PWD/requests
            export CERTMONGER_CAS_DIR=$PWD/cas CERTMONGER_LOCAL_CA_DIR=$PWD/local CERTMONGER_TMPDIR=$PWD/tmp
            mkdir config requests cas local tmp
            certmonger -L -P $PWD/socket -n -c "/bin/sh $PWD/script" > log 2>&1
            grep -a -e 'status: ' -e 'ca-error: ' log
            """
        let run = try await stage.run(daemon)
        return run.lines.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static let request = """
        getcert add-scep-ca -c test -u $URL -N $PWD/ca.pem
        n=0; until grep -aqs ca_encryption_cert= cas/* || [ $((n += 1)) = 900 ]; do sleep 0.1; done
        getcert request -c test -I one -f $PWD/cert.pem -k $PWD/key.pem -L word -N CN=certmonger -w || true
        getcert list -i one

        """

    /// Waits until the request is in this state.
    private static func until(_ state: String) -> String {
        "n=0; until getcert list -i one | grep -q \(state) || [ $((n += 1)) = 900 ]; do sleep 0.1; done"
    }

    @Test func certmongerEnrolsAndRenews() async throws {
        try await stage { stage in
            let renewals = """
                cp cert.pem first.pem; cp key.pem first.key
                getcert resubmit -i one -w; getcert list -i one
                cp cert.pem second.pem
                getcert rekey -i one -w; getcert list -i one
                """
            let statuses = try await certmonger(Self.request + renewals, stage)
            #expect(statuses == Array(repeating: "status: MONITORING", count: 3))
            let first = try stage.certificate("first.pem", key: "first.key")
            let second = try stage.certificate("second.pem", key: "first.key")
            let third = try stage.certificate()
            #expect(first != second && second.publicKey == first.publicKey && third.publicKey != first.publicKey)
            let entries = stage.authority.ledger.entries
            #expect(entries.map(\.messageType) == [.pkcsReq, .pkcsReq, .pkcsReq])
            #expect(entries.map(\.renews) == [nil, first.serialText, second.serialText])
        }
    }

    /// Through an RA it needs not be told of the CA.
    @Test func certmongerEnrolsThroughAnRA() async throws {
        try await stage({ $0.registrationAuthority = .single }) { stage in
            let statuses = try await certmonger(Self.request.replacing(" -N $PWD/ca.pem", with: ""), stage)
            #expect(statuses == ["status: MONITORING"])
            _ = try stage.certificate()
        }
    }

    /// It cannot read a reply whose eContent is absent, as RFC 8894 has it; servers that put a byte or nothing there it
    /// understands.
    @Test(arguments: [
        (
            ReplyStyle.AbsentContent.absent,
            [
                "status: CA_UNREACHABLE",
                "ca-error: Error: failed to verify signature on server response. "
                    + "error:1080007A:PKCS7 routines::no content",
            ]
        ),
        (
            .empty,
            [
                "status: CA_REJECTED",
                "ca-error: Transaction either is not permitted or is not supported by server.",
            ]
        ),
        (
            .oneByte,
            [
                "status: CA_REJECTED",
                "ca-error: Transaction either is not permitted or is not supported by server.",
            ]
        ),
    ])
    func certmongerIsRefused(content: ReplyStyle.AbsentContent, statuses: [String]) async throws {
        try await stage({
            $0.challenge = .shared("another")
            $0.profile.reply.absentContent = content
        }) { stage in
            let found = try await certmonger(Self.request, stage)
            #expect(found == statuses)
        }
    }

    /// Told to ask again, it sends the request once more.
    @Test func certmongerWaitsForAPerson() async throws {
        try await stage({
            $0.policy = .manual
            $0.profile.reply.absentContent = .empty
        }) { stage in
            let rest = """
                \(Self.until("CA_WORKING")); getcert list -i one
                touch pending; n=0; until [ -e approved ] || [ $((n += 1)) = 900 ]; do sleep 0.1; done
                getcert refresh -i one
                \(Self.until("MONITORING")); getcert list -i one
                """
            let script = Self.request.replacing(" -w ", with: " ") + rest
            async let statuses = certmonger(script, stage)
            let mark = stage.folder.appending(path: "pending").path
            for _ in 0..<900 where !FileManager.default.fileExists(atPath: mark) {
                try await Task.sleep(for: .milliseconds(100))
            }
            try stage.authority.approve(#require(stage.authority.transactions().first).transactionID)
            try Data().write(to: stage.folder.appending(path: "approved"))
            let found = try await statuses
            #expect(found.suffix(2) == ["status: CA_WORKING", "status: MONITORING"])
            _ = try stage.certificate()
        }
    }

    /// Single DES, which old NDES answers in, is none that it can read.
    @Test func certmongerCannotReadSingleDES() async throws {
        try await stage({ $0.behave(as: .ndesOld) }) { stage in
            let statuses = try await certmonger(Self.request, stage)
            #expect(statuses == ["status: NEED_GUIDANCE"])
            #expect(stage.authority.issuedCertificates().count == 1)
        }
    }
}

// MARK: strongSwan's pki, of Debian.

extension ForeignClientTests {
    private static let pki = """
        openssl genrsa -out key.pem 2048; openssl genrsa -out next.key 2048
        pki() { command pki --scep --url $URL --dn CN=strongswan --cacert-enc ca.der --cacert-sig ca.der "$@"; }

        """

    @Test func strongSwanEnrolsAndRenews() async throws {
        try await stage { stage in
            let script = """
                set -e
                pki --in key.pem --password word --cipher des3 > cert.der
                pki --in next.key --cert cert.der --key key.pem --cipher des3 > next.der
                for name in cert next; do openssl x509 -inform DER -in $name.der -out $name.pem; done
                """
            let run = try await stage.run(Self.pki + script)
            #expect(run.ending == .exited(0), "\(run.lines)")
            let first = try stage.certificate()
            _ = try stage.certificate("next.pem", key: "next.key")
            let entries = stage.authority.ledger.entries
            #expect(entries.map(\.messageType) == [.pkcsReq, .renewalReq])
            #expect(entries.map(\.renews) == [nil, first.serialText])
        }
    }

    @Test func strongSwanPolls() async throws {
        try await stage({ $0.policy = .afterPolls(2) }) { stage in
            let script = """
                set -e
                pki --in key.pem --password word --cipher des3 --interval 1 --outform pem > cert.pem
                """
            let run = try await stage.run(Self.pki + script)
            #expect(run.ending == .exited(0), "\(run.lines)")
            #expect(run.lines.filter { $0 == "  going to sleep for 1 seconds" }.count == 2)
            _ = try stage.certificate()
        }
    }

    /// 5.9.8 does not find AES among the capabilities, wherever it stands, and asks for nothing then.
    @Test(arguments: [
        ("--password word", ["AES_CBC encryption algorithm not supported by CA"], 0),
        (
            "--password another --cipher des3",
            [
                "failInfo:     badRequest - transaction not permitted or supported",
                "reply status is not 'SUCCESS'",
            ], 1
        ),
    ])
    func strongSwanSaysWhy(arguments: String, words: [String], requests: Int) async throws {
        try await stage { stage in
            let run = try await stage.run(Self.pki + "pki --in key.pem \(arguments)")
            #expect(run.ending == .exited(1))
            #expect(run.lines.suffix(words.count) == words[...], "\(run.lines)")
            #expect(stage.authority.ledger.entries.count == requests)
        }
    }
}

// MARK: scepreq, of PyPI, in Python. It takes the strongest of all capabilities.

extension ForeignClientTests {
    /// Enrols, polls once if it has to, then asks for the certificate and for the CRL; a line each.
    private static let scepreq = #"""
        import sys
        from scepreq.client import Client
        from scepreq.signingrequest import SigningRequest

        url, password = sys.argv[1:]
        client = Client(url)
        usage = {'digital_signature', 'key_encipherment'}
        identity, key = SigningRequest.generate_self_signed('python', usage)
        request, key = SigningRequest.generate_csr('CN=python', usage, [], password, key)

        def tell(operation, *arguments):
            try:
                found = operation(*arguments)
            except Exception as error:
                sys.exit(f'{operation.__name__} {type(error).__name__} {error}')
            words = [operation.__name__, found.status.name, getattr(found, 'fail_info', None)]
            words += [each.subject.native['common_name'] for each in getattr(found, 'certificates', None) or []]
            words.append('CRL' if getattr(found, 'crl', None) else None)
            print(*filter(None, words))
            return found

        asked = tell(client.enrol, request, identity, key)
        if asked.status.name == 'PENDING':
            asked = tell(client.poll, identity, key, identity.subject, asked.transaction_id)
        if asked.status.name == 'SUCCESS':
            open('cert.pem', 'wb').write(asked.certificates[0].to_pem())
            open('key.pem', 'wb').write(key.to_pem())
            serial = asked.certificates[0].serial_number
            tell(client.get_cert, identity, key, serial)
            tell(client.get_crl, identity, key, serial)
        """#

    private func scepreq(_ password: String, _ stage: Stage) async throws -> [String] {
        try Data(Self.scepreq.utf8).write(to: stage.folder.appending(path: "client.py"))
        let packages = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../.toolchain/python").standardizedFileURL.path
        let run = try await stage.run(
            "PYTHONPATH='\(packages)' /usr/bin/python3 -W ignore client.py $URL \(password)")
        return run.lines
    }

    private static let retrievals = ["get_cert SUCCESS python", "get_crl SUCCESS CRL"]

    @Test(arguments: ["rfc8894", "bouncy-castle", "step-ca"])
    func scepreqEnrols(name: String) async throws {
        let profile = try #require(ServerProfile.all.first { $0.name == name })
        try await stage({ $0.behave(as: profile) }) { stage in
            let lines = try await scepreq("word", stage)
            let isRetrieving = profile.messageTypes.contains(.getCRL)
            let expected = ["enrol SUCCESS python"] + (isRetrieving ? Self.retrievals : [])
            #expect(Array(lines.prefix(expected.count)) == expected, "\(lines)")
            if !isRetrieving {
                #expect(lines.last == "get_cert ValueError Got invalid status code for PKIOperation: 500")
            }
            _ = try stage.certificate()
        }
    }

    /// It reads no reply without eContent either.
    @Test(arguments: [
        (ReplyStyle.AbsentContent.absent, ["enrol TypeError data must be bytes-like"]),
        (.empty, ["enrol PENDING", "poll SUCCESS python"] + retrievals),
    ])
    func scepreqPolls(content: ReplyStyle.AbsentContent, expected: [String]) async throws {
        try await stage({
            $0.policy = .afterPolls(1)
            $0.profile.reply.absentContent = content
        }) { stage in
            let lines = try await scepreq("word", stage)
            #expect(lines == expected)
        }
    }

    @Test func scepreqIsRefused() async throws {
        try await stage({ $0.profile.reply.absentContent = .empty }) { stage in
            let lines = try await scepreq("another", stage)
            #expect(lines == ["enrol FAILURE 2"])
        }
    }
}
