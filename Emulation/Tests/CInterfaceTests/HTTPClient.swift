import CSCEP
import Foundation
import FoundationNetworking
import Synchronization

/// A main loop with an HTTP client of its own.
enum HTTPClient {
    struct Reply: Sendable {
        var status = 0
        var contentType: String?
        var date: String?
        var body = Data()
    }

    static func send(_ request: URLRequest) -> Reply? {
        let result = Mutex<Reply?>(nil)
        let done = DispatchSemaphore(value: 0)
        let session = URLSession(configuration: .ephemeral)
        session.dataTask(with: request) { data, response, _ in
            if let response = response as? HTTPURLResponse, let data {
                result.withLock {
                    $0 = Reply(
                        status: response.statusCode, contentType: response.value(forHTTPHeaderField: "Content-Type"),
                        date: response.value(forHTTPHeaderField: "Date"), body: data)
                }
            }
            done.signal()
        }.resume()
        done.wait()
        session.invalidateAndCancel()
        return result.withLock { $0 }
    }

    /// Does what each step wants, to the end.
    ///
    /// - Parameter powerIsCut: asked before each step; true ends it there.
    static func drive(_ device: CDevice, powerIsCut: (Int) -> Bool = { _ in false }) -> scep_status? {
        var number = 0
        while true {
            number += 1
            if powerIsCut(number) { return nil }
            var want = scep_want()
            var status = scep_step(device.agent, &want)
            guard status == SCEP_OK else { return status }
            switch want.task {
            case SCEP_READY: return scep_status(SCEP_OK)
            case SCEP_SLEEP: return scep_status(SCEP_AGAIN)
            case SCEP_MAKE_KEY, SCEP_STORE: status = scep_go_on(device.agent)
            case SCEP_SEND: status = exchange(device, want)
            default: return scep_status(SCEP_USAGE)
            }
            guard status == SCEP_OK else { return status }
        }
    }

    private static func exchange(_ device: CDevice, _ want: scep_want) -> scep_status {
        var target = [CChar](repeating: 1, count: want.target_size + 1)
        let status = scep_target(device.agent, &target, target.count)
        guard status == SCEP_OK else { return status }
        let path = String(decoding: target.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let host = String(
            decoding: UnsafeRawBufferPointer(start: want.host, count: want.host_size), as: UTF8.self)
        let scheme = want.is_https != 0 ? "https" : "http"
        guard let url = URL(string: "\(scheme)://\(host):\(want.port)\(path)") else { return scep_status(SCEP_USAGE) }
        var request = URLRequest(url: url)
        if want.is_post != 0 {
            request.httpMethod = "POST"
            request.httpBody = Data(UnsafeBufferPointer(start: want.body, count: want.body_size))
            request.setValue("application/x-pki-message", forHTTPHeaderField: "Content-Type")
        }
        guard let reply = send(request) else { return scep_no_reply(device.agent, Int32(SCEP_RESET)) }
        let body = [UInt8](reply.body)
        return (reply.contentType ?? "").withCString { type in
            (reply.date ?? "").withCString { date in
                body.withUnsafeBufferPointer { body in
                    var value = scep_http_reply(
                        status: UInt16(reply.status), content_type: type, date: date, body: body.baseAddress,
                        body_size: body.count)
                    return scep_reply(device.agent, &value)
                }
            }
        }
    }
}
