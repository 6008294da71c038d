import Foundation

/// The parameters of a query, percent-decoded. `+` stands for itself: it is a digit of base64.
struct QueryParameters {
    private var raw: [String: Substring] = [:]

    init(_ query: String) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            raw[parts[0].lowercased()] = parts.count > 1 ? parts[1] : ""
        }
    }

    subscript(name: String) -> String? {
        raw[name].flatMap { String($0).removingPercentEncoding }
    }

    /// Whether the value holds `+`, `/` or `=` as they are, against RFC 8894, section 4.1.
    func hasBareReserved(_ name: String) -> Bool {
        raw[name]?.contains { "+/=".contains($0) } ?? false
    }
}
