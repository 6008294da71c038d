import Foundation
import FoundationNetworking

/// Stands for what a device has in place of TCP: it takes a request, and gives status, type, date and body of the reply.
struct Modem {
    struct Reply: Sendable {
        var status: UInt16
        var contentType: [UInt8]
        var date: [UInt8]
        var body: [UInt8]
    }

    /// - Parameter body: of a POST; nil for a GET.
    /// - Returns: nil where nothing came.
    func send(host: [UInt8], port: UInt16, target: [UInt8], body: [UInt8]?, seconds: Int) -> Reply? {
        let place = "http://\(String(decoding: host, as: UTF8.self)):\(port)\(String(decoding: target, as: UTF8.self))"
        guard let url = URL(string: place) else { return nil }
        var request = URLRequest(url: url, timeoutInterval: TimeInterval(seconds))
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body)
            request.setValue("application/x-pki-message", forHTTPHeaderField: "Content-Type")
        }
        let waiting = Waiting()
        let session = URLSession(configuration: .ephemeral, delegate: waiting, delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        session.dataTask(with: request) { data, response, _ in
            waiting.end(data, response as? HTTPURLResponse)
        }.resume()
        return waiting.reply()
    }

    private final class Waiting: NSObject, URLSessionTaskDelegate, @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)
        private var found: Reply?

        func end(_ data: Data?, _ response: HTTPURLResponse?) {
            if let data, let response, let status = UInt16(exactly: response.statusCode) {
                found = Reply(
                    status: status, contentType: Self.field("Content-Type", response),
                    date: Self.field("Date", response), body: [UInt8](data))
            }
            done.signal()
        }

        func reply() -> Reply? {
            done.wait()
            return found
        }

        private static func field(_ name: String, _ response: HTTPURLResponse) -> [UInt8] {
            Array((response.value(forHTTPHeaderField: name) ?? "").utf8)
        }

        /// No redirect is followed: the CA is where the configuration says.
        func urlSession(
            _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
            newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
        ) {
            completionHandler(nil)
        }
    }
}
