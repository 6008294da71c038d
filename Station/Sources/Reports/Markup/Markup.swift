import Ledger

/// HTML, or SVG in it. A text that is put in is escaped, whatever it holds; only what is markup already goes in as it is.
///
/// ```swift
/// let row: Markup = "<td>\(serial)</td>"
/// ```
public struct Markup: Sendable, ExpressibleByStringInterpolation {
    public private(set) var text: String

    public init(stringLiteral text: String) { self.text = text }

    public init(stringInterpolation pieces: StringInterpolation) { text = pieces.text }

    public static func += (left: inout Markup, right: Markup) { left.text += right.text }

    public struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) { text += literal }

        public mutating func appendInterpolation(_ text: String) { self.text += escaped(text) }

        public mutating func appendInterpolation(_ number: Int) { text += String(number) }

        /// With one digit behind the point: a length or a place in a drawing.
        public mutating func appendInterpolation(_ number: Double) {
            let tenths = Int((number * 10).rounded())
            text += "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
        }

        public mutating func appendInterpolation(_ markup: Markup) { text += markup.text }

        public mutating func appendInterpolation(_ list: [Markup]) {
            for markup in list { text += markup.text }
        }
    }
}

/// For text and for attributes in quotation marks.
private func escaped(_ text: String) -> String {
    printable(text).utf8.reduce(into: [UInt8]()) { bytes, byte in
        switch byte {
        case UInt8(ascii: "&"): bytes += "&amp;".utf8
        case UInt8(ascii: "<"): bytes += "&lt;".utf8
        case UInt8(ascii: ">"): bytes += "&gt;".utf8
        case UInt8(ascii: "\""): bytes += "&quot;".utf8
        case UInt8(ascii: "'"): bytes += "&#39;".utf8
        default: bytes.append(byte)
        }
    }.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
}
