import Foundation
import Ledger
import Reports
import Signing
import StationSupport
import TestSupport
import Testing

@Suite("A batch's signed lines")
struct SignedReportTests {
    /// A CA, and devices with certificates of its.
    private struct Batch {
        let ledger: Ledger
        let key: StationKey
        let folder: URL

        static func with(keys: [String], _ body: (Batch) throws -> Void) throws {
            try withTemporaryDirectory { folder in
                let ca = folder.appending(path: "ca").path
                _ = try OpenSSL.run([
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=Line CA", "-keyout", ca + ".key", "-out", ca + ".pem",
                ])
                let ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "l.db").path))
                try ledger.plan(keys.indices.map { "s\($0)" })
                for (number, algorithm) in keys.enumerated() {
                    let leaf = folder.appending(path: "leaf\(number)").path
                    _ = try OpenSSL.run(
                        ["req", "-x509", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-nodes", "-days", "20"]
                            + ["-newkey"] + algorithm.split(separator: " ").map(String.init)
                            + ["-subj", "/CN=s\(number)", "-keyout", leaf + ".key", "-outform", "DER", "-out", leaf])
                    let der = [UInt8](try Data(contentsOf: URL(fileURLWithPath: leaf)))
                    try provision(ledger, "s\(number)", der)
                }
                try body(
                    Batch(ledger: ledger, key: try StationKey(file: folder.appending(path: "key")), folder: folder))
            }
        }

        private static func provision(_ ledger: Ledger, _ serial: String, _ der: [UInt8]) throws {
            let fingerprint = Ledger.digest(of: der)
            var attempt = try ledger.taken(serial)
            let record = IssuedRecord(
                fingerprint: fingerprint, serialNumber: "01", subject: "CN=\(serial)", issuer: "CN=Line CA",
                notBefore: 1,
                notAfter: 2, der: Data(der).base64EncodedString())
            for step in [
                .requested(transactionID: "t"), .issued(record), .verified(fingerprint: fingerprint, by: "event line"),
            ] as [AttemptStep] {
                attempt = try ledger.record(step, of: attempt, by: .first)
            }
        }

        func lines(chain: String? = nil) throws -> [Substring] {
            var text = ""
            let chain = try chain.map { try CertificateChain(file: folder.appending(path: $0)) } ?? .none
            try Report(of: "B1", in: ledger, key: key, by: .first, chain: chain).write(.jws) { text += $0 }
            return text.split(separator: "\n")
        }

        /// What a line says, if the station's key signed it.
        func payload(_ line: some StringProtocol) throws -> [String: Any] {
            let parts = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            let jws = try ["protected", "payload", "signature"].map { try #require(parts[$0]) }.joined(separator: ".")
            let payload = try key.verifier.payload(of: jws)
            return try #require(try JSONSerialization.jsonObject(with: Data(payload)) as? [String: Any])
        }
    }

    @Test func eachLineIsSignedAndHasTheDevicesKeyAndChain() throws {
        try Batch.with(keys: ["ec -pkeyopt ec_paramgen_curve:P-256", "rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-384"])
        {
            batch in
            let lines = try batch.lines(chain: "ca.pem")
            #expect(lines.count == 4)
            for (number, line) in lines.dropLast().enumerated() {
                let payload = try batch.payload(line)
                #expect(payload["serial"] as? String == "s\(number)")
                let chain = try #require(payload["x5c"] as? [String])
                #expect(chain.count == 2)
                let leaf = try Data(contentsOf: batch.folder.appending(path: "leaf\(number)"))
                #expect(Data(base64Encoded: chain[0]) == leaf)
                // Another reader takes the key for the certificate's.
                let key = try JSONSerialization.data(withJSONObject: try #require(payload["public_key"]))
                let program = """
                    import base64, json, sys
                    from cryptography import x509
                    number = lambda s: int.from_bytes(base64.urlsafe_b64decode(s + "=="), "big")
                    key = x509.load_der_x509_certificate(open(sys.argv[1], "rb").read()).public_key().public_numbers()
                    jwk = json.load(sys.stdin)
                    if jwk["kty"] == "EC":
                        assert (number(jwk["x"]), number(jwk["y"])) == (key.x, key.y)
                        assert {"P-256": "secp256r1", "P-384": "secp384r1"}[jwk["crv"]] == key.curve.name
                    else:
                        assert jwk["kty"] == "RSA" and (number(jwk["n"]), number(jwk["e"])) == (key.n, key.e)
                    """
                _ = try runProgram(
                    "/usr/bin/python3", ["-c", program, batch.folder.appending(path: "leaf\(number)").path],
                    input: [UInt8](key))
            }
        }
    }

    @Test func theLastLineShowsWhatIsMissing() throws {
        try Batch.with(keys: ["ec -pkeyopt ec_paramgen_curve:P-256", "ec -pkeyopt ec_paramgen_curve:P-256"]) { batch in
            let lines = try batch.lines()
            let totals = try batch.payload(try #require(lines.last))
            let digest = Ledger.digest(of: [UInt8](lines.dropLast().map { $0 + "\n" }.joined().utf8))
            #expect(totals["lines"] as? Int == 2 && totals["sha256"] as? String == digest)
            #expect(totals["verified"] as? Int == 2 && totals["planned"] as? Int == 2)
            let checkpoint = try Checkpoint(try #require(totals["checkpoint"] as? String), by: batch.key.verifier)
            #expect(checkpoint.sequence == (try batch.ledger.auditHead().sequence))
        }
    }

    @Test func whatHasNoLiveCertificateHasNoLine() throws {
        try Batch.with(keys: ["ec -pkeyopt ec_paramgen_curve:P-256", "ec -pkeyopt ec_paramgen_curve:P-256"]) { batch in
            try batch.ledger.scrap("s0", reason: "fell", by: .first)
            #expect(try batch.lines().count == 2)
            try batch.ledger.rework("s1", reason: "label", by: .first)
            #expect(try batch.lines().count == 1)
        }
    }

    @Test func aChainThatDoesNotLeadOnIsRefused() throws {
        try Batch.with(keys: ["ec -pkeyopt ec_paramgen_curve:P-256"]) { batch in
            // Of the same name, and another key.
            let other = batch.folder.appending(path: "other.pem").path
            _ = try OpenSSL.run([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Line CA", "-keyout", other + ".key",
                "-out", other,
            ])
            #expect(throws: ReportError.noIssuer(serial: "s0", issuer: "CN=Line CA")) {
                try batch.lines(chain: "other.pem")
            }
            try Data("nothing".utf8).write(to: batch.folder.appending(path: "empty.pem"))
            #expect(throws: ReportError.self) { try batch.lines(chain: "empty.pem") }
        }
    }
}
