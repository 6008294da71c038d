import Authority
import Foundation

extension Request {
    /// The value of a field of the query, percent-decoded.
    func field(_ name: String) -> String? {
        query.split(separator: "&").first { $0.hasPrefix(name + "=") }
            .flatMap { String($0.dropFirst(name.count + 1)).removingPercentEncoding }
    }

    /// The pkiMessage that it carries.
    var message: [UInt8]? {
        guard field("operation") == "PKIOperation" else { return nil }
        return method == "POST" ? body : field("message").flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) }
    }
}
