import DER
import PKIX

/// A Name in DER, as the device's client writes it into its request.
enum SubjectRequest {
    static func der(_ subject: String) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let text = [UInt8](subject.utf8)
        let count: Int
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            try writer.write(name: text.span)
            count = writer.written.count
        }
        return buffer.suffix(count)
    }
}
