import Agent
import DER
import DeviceCrypto
import TestSupport

/// What fuzzing begins with, besides what `Fuzz/seeds` has openssl make: the authority's own.
enum Seeds {
    static var all: [(String, [UInt8])] {
        [
            ("certificate", Authority.root), ("certificate", Authority.registration),
            ("certificate", Authority.devices[0]),
            ("crl", corrupted(crl)), ("crl", corrupted(Authority.revocationList(entries: [], extensions: []))),
            ("signed-data", reply), ("signed-data", bundle),
            ("signed-data", Authority.certificatesOnly(crls: crl)),
            ("enveloped-data", [0] + Authority.envelop(bundle, for: Authority.devices[0])),
            ("enveloped-data", [0] + Authority.envelop([], for: Authority.devices[0], .aes256CBC)),
            ("enveloped-data", [0] + Authority.envelop([1, 2, 3], for: Authority.devices[0], .tripleDESCBC)),
            ("enveloped-data", [0] + Authority.envelop([7, 7, 7, 7, 7, 7, 7, 7], for: Authority.devices[0], .desCBC)),
            ("ca-certificates", [0, 0, 0, 0, 1]), ("ca-certificates", [0, 0, 1] + Authority.root),
            ("ca-certificates", [0, 0, 1] + Authority.certificatesOnly(certificates: Authority.trusted)),
            ("ca-certificates", [0, 4, 0, 0, 6, 1, 0, 0, 0, 0, 6, 0x44, 0, 0, 0, 0]),
            ("next-ca-certificates", [0, 0, 0, 0, 0, 6, 9, 2, 9, 0, 0, 0]),
            ("next-ca-certificates", [1, 0, 0, 0, 1, 6, 9, 2, 9, 0, 0, 0, 6, 0x41, 0, 0, 0, 0]),
            ("certrep", [0, 0, 0]), ("certrep", [0, 3, 0, 2, 0x33]),
            ("certrep", [0, 0, 0, 2, 0x32, 0, 0, 2, 0x32, 5, 0x77, 0x6F, 0x72, 0x64]),
            ("certrep-content", honestContent), ("certrep-content", [0, 0, 0, 0, 2, 2, 3, 6, 2, 0, 0, 0, 0]),
            ("certrep-content", [0, 0, 0, 2] + piece(entry) + [0, 0, 0, 2]),
            ("http", http("HTTP/1.0 200 OK\nContent-Type: application/x-pki-message\nContent-Length: 5\n\nhello")),
            ("http", http("HTTP/1.1 200 OK\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n\nhello")),
            ("http", http("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n")),
            ("http", http("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nServer: Microsoft-IIS/10\r\n\r\n")),
            ("http", http("HTTP/1.1 302 Found\r\nLocation: https://ca.example/\r\n\r\n")),
            ("http", http("HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n")),
            ("http", http("HTTP/1.0 500 No\r\nContent-Length: 99\r\nContent-Type: text/html; charset=x\r\n\r\nshort")),
            ("http", http("HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\nto the end")),
            ("url", [0, 0] + [UInt8]("http://ca.example/scep")),
            ("url", [1, 3, 0x61, 0x20, 0x62] + [UInt8]("https://[2001:db8::1]:8443/a/path?profile=x")),
            ("url", [2, 5, 1, 2, 3, 4, 5] + [UInt8]("http://192.0.2.7:80?a&")),
            ("url", [3, 2, 1, 2] + [UInt8]("https://a")),
            ("flash", [0, 0, 3, 1, 2, 3, 5, 2, 3, 2, 0, 4, 9, 9, 9, 9, 5]),
            ("flash", [1, 0, 3, 1, 2, 3, 3, 2, 1, 0, 2, 7, 7, 5, 4, 0, 9, 1, 5]),
            ("flash", [2, 0, 60] + [UInt8](repeating: 7, count: 60) + [0, 1, 1, 0, 1, 2, 0, 1, 3, 5]),
            ("flash", [3, 6, 0, 4, 0x53, 0x43, 0x45, 0x50, 5, 0, 1, 1, 5]),
            ("folder", [3, 1, 2, 3, 0, 1, 0, 8, 1]), ("folder", [1, 7, 1, 0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 2]),
            ("signature", [0, 255, 1, 0] + [UInt8](repeating: 0xC5, count: 256) + [3, 1, 0, 1, 7, 7]),
            ("signature", [1, 65] + [UInt8](hex: generator) + [1, 9] + [UInt8](hex: "3006020101020101")),
            ("store", [0] + stored), ("store", [1] + stored),
            ("configuration", Conversation.text),
            ("configuration", Conversation.text + [UInt8](configuration)),
            ("gateway-configuration", [UInt8](gatewayConfiguration)),
            ("conversation", []), ("conversation", [3, 0, 1, 1, 0]), ("conversation", [2, 8, 0, 0, 0, 0, 0, 0, 9, 9]),
            ("conversation", [1, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 2, 3, 3, 0x77, 0x6F, 0x72]),
            ("names", [UInt8]("CN=sensor 7,serialNumber=0012,OU=a\\,b,O=Example,L=x,ST=y,C=DE")),
            ("names", [UInt8]("emailAddress=a@b.example,UID=u,DC=example")),
            ("names", [UInt8]("CN=\"a, b\"+serialNumber=7 , OID.2.5.4.9=#0C0161,STREET=c\\2C\\ ")),
            ("alt-names", [UInt8]("DNS:*.a.example, IP:192.0.2.7,IP:2001:db8::7,email:a@b.example,RID:1.2.3")),
            ("alt-names", [UInt8]("URI:tag:a\\,b,otherName:1.2.3;UTF8:a\\\\b\\2C,otherName:1.2.3;#300D0C0137060361")),
            ("alt-names", [UInt8]("otherName:1.2.3;#30020500")),
            ("capabilities", [UInt8]("AES\r\nDES3\nGetNextCACert\nPOSTPKIOperation\nRenewal\n")),
            ("capabilities", [UInt8]("SHA-1\nSHA-256\nSHA-512\nSCEPStandard")),
            ("inspect", [2] + reply), ("inspect", [1] + bundle), ("inspect", [0] + crl),
            ("inspect", [0] + Authority.root),
            ("relay-device", [0]), ("relay-device", [2, 3, 0x78, 0x79, 0x7A, 0, 0, 0, 0, 0]),
            ("relay-device", [0, 0, 0, 0, 0, 0, 0, 1, 40, 0, 0, 3, 5, 1, 2, 3, 4, 5, 0, 0, 7, 0]),
            ("relay-device", [3, 0, 0, 8, 0, 0, 9, 0, 0, 10, 0]),
            // A start, then steps with honest replies up to the request, which is not answered.
            ("c", [119, 15, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 8, 99, 50, 7, 99, 50, 6, 5, 50]),
            (
                "c",
                [0, 15, 40, 0, 40, 4, 9, 0x48, 0x54, 0x54, 0x50, 0x2F, 0x31, 0x2E, 0x30, 0x20, 40, 4, 0, 40, 12, 40]
            ),
            ("c", [40, 15, 40, 13, 3, 9, 0, 40, 5, 1, 50, 0, 3, 1, 2, 3, 40, 11, 40, 9, 40, 40, 14, 2, 40]),
            ("relay-station", [0, 0, 0, 0, 0, 0, 6, 0, 5, 3, 1, 2, 3, 0, 1, 4, 7, 7, 7, 7, 0, 0, 2]),
            ("relay-station", [0, 0, 0, 0, 0, 0, 0, 3, 1, 0x78, 3, 8, 0, 4, 1, 0x30]),
        ]
    }

    /// P-256's generator, a point like any (SEC 2, 2.4.2).
    private static let generator = """
        046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
        4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
        """

    private static let bundle = Authority.certificatesOnly(certificates: Authority.trusted, crls: crl)

    /// Signed by the registration authority: whoever finds out that the root did not, has not found anything.
    private static var reply: [UInt8] {
        var parts = CertRepParts(to: CertRepParts.transaction)
        parts.isByRA = true
        parts.content = Authority.envelop(bundle, for: Authority.devices[0])
        return parts.encoding
    }

    /// revokedCertificate with a reason.
    private static let entry =
        ([0x02, 0x01, 0x07] + [UInt8]("250101000000Z").tagged(.utcTime)
        + [UInt8](hex: "300C 300A 0603551D15 0403 0A0101")).tagged(.sequence)

    private static let crl = Authority.revocationList(
        entries: entry, extensions: [UInt8](hex: "300A 0603551D14 0403 020101"))

    private static func corrupted(_ signed: [UInt8]) -> [UInt8] { signed.dropLast() + [0] }

    private static func piece(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }

    private static func http(_ reply: StaticString) -> [UInt8] { [20, 0, 3, 2, 7, 1] + [UInt8](reply) }

    private static var stored: [UInt8] {
        var store = IdentityStore(MemorySnapshots())
        let values: [(StoredRecord, [UInt8])] = [
            (.privateKey, [2]), (.certificate, Authority.devices[0]), (.caCertificates, Authority.trusted),
            (.transaction, [UInt8](repeating: 0x41, count: 78)), (.transactionKey, [3]),
            (.state, state + [UInt8](repeating: 0, count: 45) + state),
        ]
        do {
            try store.open()
            try store.begin(bodySize: values.reduce(0) { $0 + IdentityStore<MemorySnapshots>.recordSize($1.1.count) })
            for (record, value) in values { try store.append(record, value.span) }
            try store.commit()
        } catch {}
        return store.storage.current ?? []
    }

    /// ``Agent/Configuration``'s origin: the CA is the one that the conversation is told to trust.
    private static var state: [UInt8] {
        let digest = Hash.digest(.sha256, of: Authority.fingerprint.span)
        return Array(digest.bytes.array.prefix(16))
    }

    private static let configuration: StaticString = """
        # all of it
        message=ca
        san=DNS:a.example,IP:192.0.2.7,IP:2001:db8::1,URI:urn:x,email:a@b.example,otherName:1.2.3;UTF8:x
        key-usage=digitalSignature,keyEncipherment
        extended-key-usage=clientAuth,1.3.6.1.5.5.7.3.17
        template=Device
        key=rsa3072
        allow=sha1,3des,des,unmarked-ra
        renew=50
        jitter=5
        renewal-key=same
        renewal-type=19
        check=crl,certificate
        check-interval=3600
        stay=no
        poll=60
        poll-cap=3600
        retry=10
        retry-cap=3600
        timeout=90
        time=1767225600
        challenge-use=always

        """

    private static let gatewayConfiguration: StaticString = """
        # scep.conf
        url = http://ca.example/scep
        fingerprint = 0000000000000000000000000000000000000000000000000000000000000000
        subject = CN=gateway,O=Example
        key = p256
        san = DNS:a.example

        """
}
