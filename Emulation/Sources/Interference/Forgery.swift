/// A reply that somebody made up who has no key of the CA's.
public struct Forgery: Sendable, Hashable {
    /// Lower-case words joined by `-`.
    public let name: String
    private let make: @Sendable () -> Delivery

    public var delivery: Delivery { make() }

    public static func == (left: Forgery, right: Forgery) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    private init(_ name: String, _ make: @escaping @Sendable () -> Delivery) {
        self.name = name
        self.make = make
    }

    /// A whole answer of HTTP/1.0.
    private static func answer(
        _ body: [UInt8], status: String = "200 OK", type: String = "application/x-pki-message", length: String? = nil,
        end: Delivery.End = .closed
    ) -> Delivery {
        let head =
            "HTTP/1.0 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(length ?? String(body.count))\r\n\r\n"
        return Delivery(Array(head.utf8) + body, end: end)
    }

    private static func stream(_ head: String, _ more: String) -> Delivery {
        Delivery(Array(head.utf8), end: .endless(Array(more.utf8)))
    }

    private static let page = Array("<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>".utf8)

    /// SEQUENCEs inside one another, of indefinite length.
    private static let nest = [UInt8]((0..<2000).flatMap { _ in [0x30, 0x80] as [UInt8] })
    /// The same with lengths, the innermost empty: as deep as 64 KiB of lengths allow.
    private static let definiteNest: [UInt8] = {
        var bytes: [UInt8] = []
        while bytes.count < 3000 {
            let count = bytes.count
            bytes.insert(contentsOf: [0x30, 0x82, UInt8(count >> 8), UInt8(truncatingIfNeeded: count)], at: 0)
        }
        return bytes
    }()

    public static let all: [Forgery] = [
        // What is no answer of a SCEP server.
        Forgery("html") { answer(page, type: "text/html") }, Forgery("html-as-message") { answer(page) },
        Forgery("empty") { answer([]) }, Forgery("status-400") { answer(page, status: "400 Bad Request") },
        Forgery("status-500") { answer(page, status: "500 Internal Server Error") },
        Forgery("status-503") { answer([], status: "503 Service Unavailable") },
        Forgery("redirection") {
            Delivery(Array("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n".utf8))
        }, Forgery("not-http") { Delivery(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) },

        // What does not end.
        Forgery("endless-body") { stream("HTTP/1.0 200 OK\r\n\r\n", "0") },
        Forgery("gigabytes") { answer([], length: "4294967296", end: .endless([0])) },
        Forgery("endless-field") { stream("HTTP/1.0 200 OK\r\nX: ", "x") },
        Forgery("endless-fields") { stream("HTTP/1.0 200 OK\r\n", "X: y\r\n") },
        Forgery("endless-continue") { stream("", "HTTP/1.1 100 Continue\r\n\r\n") },
        Forgery("endless-chunks") {
            stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")
        },
        Forgery("endless-chunk-extension") {
            stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", "y")
        },
        Forgery("endless-trailer") {
            stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", "X: y\r\n")
        },

        // Lengths of HTTP and of DER.
        Forgery("content-length-2-31") { answer([0x30, 0], length: "2147483648") },
        Forgery("content-length-2-63") { answer([0x30, 0], length: "9223372036854775808") },
        Forgery("content-length-2-64") { answer([0x30, 0], length: "18446744073709551616") },
        Forgery("content-length-negative") { answer([0x30, 0], length: "-1") },
        Forgery("chunk-2-63") {
            stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "0")
        },
        Forgery("chunk-2-64") {
            stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "0")
        }, Forgery("der-length-2-31") { answer([0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x30, 0]) },
        Forgery("der-length-2-32") { answer([0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0]) },
        Forgery("der-length-2-63") {
            answer([0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0])
        }, Forgery("der-length-2-64") { answer([0x30, 0x88] + [UInt8](repeating: 0xFF, count: 8) + [0x30, 0]) },
        Forgery("deep-nesting") { answer(nest) }, Forgery("deep-nesting-definite") { answer(definiteNest) },
        Forgery("octets-without-end") { answer([0x24, 0x80] + (0..<900).flatMap { _ in [4, 1, 0] as [UInt8] }) },

        // A CA that can do less than it can.
        Forgery("downgrade-nothing") { answer([], type: "text/plain") },
        Forgery("downgrade-old") { answer(Array("DES3\nSHA-1\nPOSTPKIOperation\n".utf8), type: "text/plain") },
        Forgery("downgrade-renewal") {
            answer(Array("AES\nSHA-256\nPOSTPKIOperation\n".utf8), type: "text/plain")
        }, Forgery("downgrade-post") { answer(Array("AES\nSHA-256\nSCEPStandard\n".utf8), type: "text/plain") },
    ]
}
