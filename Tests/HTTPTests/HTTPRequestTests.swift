import Foundation
import HTTP
import TestSupport
import Testing

/// A request's message as a plain value; ranges mean all of the work buffer.
enum Payload: Sendable {
    case none
    case text(String)
    case base64([UInt8])
    case body([UInt8])
}

struct Written: Equatable {
    var head: String
    var body: [UInt8]
    var length: Int
    var targetLength: Int
}

/// Builds a request in the middle of a work buffer and reads its head in chunks.
func write(_ operation: StaticString, _ payload: Payload, to url: String, chunk size: Int = 256) throws -> Written {
    let url = url.latin1
    let padding = [UInt8](repeating: 0xEE, count: 7)
    let bytes: [UInt8] =
        switch payload {
        case .none: []
        case .text(let text): text.latin1
        case .base64(let bytes), .body(let bytes): bytes
        }
    let work = padding + bytes + padding
    let range = 7..<(7 + bytes.count)
    let view = try ServerURL(url.span)
    let message: Request.Message =
        switch payload {
        case .none: .none
        case .text: .text(bytes.span)
        case .base64: .base64(range)
        case .body: .body(range)
        }
    var request = Request(operation, message, to: view, in: work.span)
    let lengths = (request.length, request.targetLength)
    var head: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: size)
    while true {
        var span = chunk.mutableSpan
        let count = request.readHead(into: &span)
        head += chunk.prefix(count)
        if count < size { break }
    }
    var span = chunk.mutableSpan
    #expect(request.readHead(into: &span) == 0)
    #expect((request.length, request.targetLength) == lengths)
    return Written(
        head: head.text, body: request.body.array, length: request.length,
        targetLength: request.targetLength)
}

@Suite struct HTTPRequestTests {
    static let get = " HTTP/1.0\r\nHost: ca\r\nUser-Agent: EmbeddedSCEP\r\nConnection: close\r\n\r\n"

    @Test(arguments: [
        ("http://ca", "/?operation=GetCACaps"),
        ("http://ca/", "/?operation=GetCACaps"),
        ("http://ca/scep", "/scep?operation=GetCACaps"),
        ("http://ca/scep/", "/scep/?operation=GetCACaps"),
        ("http://ca/scep?", "/scep?operation=GetCACaps"),
        ("http://ca?", "/?operation=GetCACaps"),
        ("http://ca?a=b", "/?a=b&operation=GetCACaps"),
        ("http://ca/scep?a=b", "/scep?a=b&operation=GetCACaps"),
        ("http://ca/scep?a=b&", "/scep?a=b&operation=GetCACaps"),
        ("http://ca/a%20b;c", "/a%20b;c?operation=GetCACaps"),
    ])
    func target(_ url: String, _ target: String) throws {
        let request = try write("GetCACaps", .none, to: url)
        #expect(request.head == "GET " + target + Self.get)
        #expect(request.body.isEmpty)
        #expect(request.length == request.head.utf8.count)
        #expect(request.targetLength == target.utf8.count)
    }

    @Test func post() throws {
        let body: [UInt8] = [0, 13, 10, 255]
        let request = try write("PKIOperation", .body(body), to: "http://[2001:db8::1]:8080/scep")
        #expect(
            request.head == """
                POST /scep?operation=PKIOperation HTTP/1.0\r
                Host: [2001:db8::1]:8080\r
                User-Agent: EmbeddedSCEP\r
                Connection: close\r
                Content-Type: application/x-pki-message\r
                Content-Length: 4\r
                \r

                """)
        #expect(request.body == body)
        #expect(request.length == request.head.utf8.count + 4)
    }

    @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 1009, 10_000, 12_345])
    func contentLength(_ length: Int) throws {
        let request = try write("PKIOperation", .body([UInt8](repeating: 1, count: length)), to: "http://ca/")
        #expect(request.head.contains("\r\nContent-Length: \(length)\r\n"))
    }

    @Test func everyByteOfATextIsPercentEncoded() throws {
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        let ascii = String(String.UnicodeScalarView((0..<128).map { Unicode.Scalar(UInt8($0)) }))
        let checked = try #require(ascii.addingPercentEncoding(withAllowedCharacters: unreserved))
        let request = try write("GetCACert", .text(ascii), to: "http://ca/")
        #expect(request.head == "GET /?operation=GetCACert&message=" + checked + Self.get)
        let latin = try write("GetCACert", .text("\u{80}\u{e9}\u{ff}"), to: "http://ca/")
        #expect(latin.head == "GET /?operation=GetCACert&message=%80%E9%FF" + Self.get)
        #expect(latin.targetLength == "/?operation=GetCACert&message=%80%E9%FF".utf8.count)
    }

    @Test func anEmptyTextIsAMessage() throws {
        #expect(
            try write("GetCACaps", .text(""), to: "http://ca/").head == "GET /?operation=GetCACaps&message=" + Self.get)
        #expect(
            try write("PKIOperation", .base64([]), to: "http://ca/").head
                == "GET /?operation=PKIOperation&message=" + Self.get)
    }

    @Test func base64AsOpenSSLHasIt() throws {
        var generator = SeededGenerator(seed: 2)
        for length in [1, 2, 3, 4, 5, 6, 255, 256, 257, 1500] {
            // Every character of the alphabet comes up in the longer ones, + and / among them.
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let base64 = try OpenSSL.run(["base64", "-A"], input: bytes).text
            let checked = base64.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
            let request = try write("PKIOperation", .base64(bytes), to: "http://ca/x")
            #expect(request.head == "GET /x?operation=PKIOperation&message=" + checked + Self.get)
            #expect(request.targetLength == "/x?operation=PKIOperation&message=".utf8.count + checked.utf8.count)
            #expect(request.body.isEmpty)
        }
        let request = try write("PKIOperation", .base64([0xFB, 0xFF, 0xBF, 0x00]), to: "http://ca/")
        #expect(request.head == "GET /?operation=PKIOperation&message=%2B%2F%2B%2FAA%3D%3D" + Self.get)
    }

    @Test(arguments: 1...40)
    func theSizeOfChunksMakesNoDifference(_ size: Int) throws {
        let bytes = [UInt8](0...255)
        let url = "http://[::1]:8080/scep?a=b"
        #expect(
            try write("PKIOperation", .base64(bytes), to: url, chunk: size)
                == write("PKIOperation", .base64(bytes), to: url))
        #expect(
            try write("PKIOperation", .body(bytes), to: url, chunk: size)
                == write("PKIOperation", .body(bytes), to: url))
    }
}
