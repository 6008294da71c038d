import Foundation
import HTTP
import TestSupport
import Testing

/// A checked URL as plain values.
struct Parts: Equatable {
    var scheme: ServerURL.Scheme
    var host: String
    var port: UInt16
    var hostField: String
    var pathAndQuery: String

    init(_ scheme: ServerURL.Scheme, _ host: String, _ port: UInt16, _ hostField: String, _ rest: String = "") {
        (self.scheme, self.host, self.port, self.hostField, pathAndQuery) = (scheme, host, port, hostField, rest)
    }

    init(_ host: String, _ hostField: String, _ rest: String = "") {
        self.init(.http, host, 80, hostField, rest)
    }

    init(_ url: String) throws(ServerURLError) {
        let bytes = url.latin1
        let view = try ServerURL(bytes.span)
        scheme = view.scheme
        host = view.host.array.text
        port = view.port
        hostField = view.hostField.array.text
        pathAndQuery = view.pathAndQuery.array.text
    }
}

@Suite struct ServerURLTests {
    /// A name of 255 bytes.
    static let longest = String(repeating: "a.", count: 127) + "a"

    @Test(arguments: [
        ("http://ca", Parts("ca", "ca")),
        ("HTTP://CA.Example/", Parts("CA.Example", "CA.Example", "/")),
        ("http://ca.example./scep", Parts("ca.example.", "ca.example.", "/scep")),
        ("http://192.0.2.1/", Parts("192.0.2.1", "192.0.2.1", "/")),
        ("http://ca:8080", Parts(.http, "ca", 8080, "ca:8080")),
        ("http://ca:80/x", Parts("ca", "ca", "/x")),
        ("http://ca:443/x", Parts(.http, "ca", 443, "ca:443", "/x")),
        ("http://ca:1/x", Parts(.http, "ca", 1, "ca:1", "/x")),
        ("http://ca:65535/x", Parts(.http, "ca", 65535, "ca:65535", "/x")),
        ("https://ca/x", Parts(.https, "ca", 443, "ca", "/x")),
        ("HttpS://ca:443/x", Parts(.https, "ca", 443, "ca", "/x")),
        ("https://ca:80/x", Parts(.https, "ca", 80, "ca:80", "/x")),
        ("http://ca/certsrv/mscep/mscep.dll", Parts("ca", "ca", "/certsrv/mscep/mscep.dll")),
        ("http://ca/cgi-bin/pkiclient.exe?", Parts("ca", "ca", "/cgi-bin/pkiclient.exe?")),
        ("http://ca?profile=x", Parts("ca", "ca", "?profile=x")),
        ("http://ca/a@b:c//%2F;x=1,$&'()*+~!?q=/?&a[0]", Parts("ca", "ca", "/a@b:c//%2F;x=1,$&'()*+~!?q=/?&a[0]")),
        ("http://[::1]", Parts("::1", "[::1]")),
        ("http://[2001:db8::1]:8080/x", Parts(.http, "2001:db8::1", 8080, "[2001:db8::1]:8080", "/x")),
        ("http://a_b-c.1/", Parts("a_b-c.1", "a_b-c.1", "/")),
        ("http://a/", Parts("a", "a", "/")),
        ("http://\(longest)/", Parts(longest, longest, "/")),
        (
            "http://\(String(repeating: "a", count: 63))/",
            Parts(String(repeating: "a", count: 63), String(repeating: "a", count: 63), "/")
        ),
    ])
    func isAccepted(_ url: String, _ parts: Parts) throws {
        #expect(try Parts(url) == parts)
    }

    @Test(arguments: [
        ("", ServerURLError(.unknownScheme, at: 0)),
        ("ca.example/scep", .init(.unknownScheme, at: 0)),
        ("http:/ca", .init(.unknownScheme, at: 0)),
        ("ftp://ca/", .init(.unknownScheme, at: 0)),
        (" http://ca/", .init(.unknownScheme, at: 0)),
        ("http://", .init(.badHost, at: 7)),
        ("http:///x", .init(.badHost, at: 7)),
        ("http://?x", .init(.badHost, at: 7)),
        ("http://:80", .init(.badHost, at: 7)),
        ("http://a b/", .init(.badHost, at: 8)),
        ("http://caf\u{e9}/", .init(.badHost, at: 10)),
        ("http://a%2eb/", .init(.badHost, at: 8)),
        ("http://a\0/", .init(.badHost, at: 8)),
        ("http://a\\b/", .init(.badHost, at: 8)),
        ("http://\(String(repeating: "a.", count: 128))/", .init(.badHost, at: 7)),
        ("http://2001:db8::1/", .init(.badPort, at: 11)),
        ("http://[::1/", .init(.badHost, at: 8)),
        ("http://[]/", .init(.badHost, at: 8)),
        ("http://[192.0.2.1]/", .init(.badHost, at: 8)),
        ("http://[fe80::1%25eth0]/", .init(.badHost, at: 8)),
        ("http://[v1.x]/", .init(.badHost, at: 8)),
        ("http://[::1]80/", .init(.badPort, at: 12)),
        ("http://[::1]x80/", .init(.badPort, at: 12)),
        ("http://[", .init(.badHost, at: 8)),
        ("http://[::1", .init(.badHost, at: 8)),
        ("http://ca:/", .init(.badPort, at: 9)),
        ("http://ca:0/", .init(.badPort, at: 9)),
        ("http://ca:080/", .init(.badPort, at: 9)),
        ("http://ca:-1/", .init(.badPort, at: 9)),
        ("http://ca:8x/", .init(.badPort, at: 9)),
        ("http://ca:65536/", .init(.badPort, at: 9)),
        ("http://ca:99999/", .init(.badPort, at: 9)),
        ("http://ca:100000/", .init(.badPort, at: 9)),
        ("http://ca:80:80/", .init(.badPort, at: 9)),
        ("http://me@ca/", .init(.userInformation, at: 9)),
        ("http://me:pw@ca/", .init(.userInformation, at: 12)),
        ("http://ca/#top", .init(.fragment, at: 10)),
        ("http://ca#top", .init(.fragment, at: 9)),
        ("http://ca/a b", .init(.badCharacter, at: 11)),
        ("http://ca/a\r\nX: y", .init(.badCharacter, at: 11)),
        ("http://ca/\u{7f}", .init(.badCharacter, at: 10)),
        ("http://ca/\u{e9}", .init(.badCharacter, at: 10)),
        ("http://ca/\"", .init(.badCharacter, at: 10)),
        ("http://ca/\\x", .init(.badCharacter, at: 10)),
        ("http://ca/{x}", .init(.badCharacter, at: 10)),
    ])
    func isRefused(_ url: String, _ error: ServerURLError) {
        #expect(throws: error) { try Parts(url) }
    }

    /// Whatever the C library takes for an address is taken; what cannot be one is refused.
    @Test(arguments: [
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "1:2:3::6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "abcd:EF01::",
        "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
    ])
    func addressOfIPv6(_ address: String) throws {
        var checked = in6_addr()
        #expect(inet_pton(AF_INET6, address, &checked) == 1)
        #expect(try Parts("http://[\(address)]/").host == address)
    }

    @Test(arguments: [
        "g::", ":1", "1:", ":", "::-1", ":: 1", "fe80::1%lo", "1:2:3:4:5:6:7:8:9:a",
        "::\(String(repeating: "0", count: 44))",
    ])
    func noAddressOfIPv6(_ address: String) {
        #expect(throws: ServerURLError(.badHost, at: 8)) { try Parts("http://[\(address)]/") }
    }
}
