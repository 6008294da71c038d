import Foundation
/// A device's event line (Docs/Lifecycle.md): `event operation=… outcome=… serial=… fingerprint=… subject="…"`.
public struct EventLine: Equatable, Sendable {
    /// By name, as it stands there; a text in quotation marks without them.
    public let fields: [String: String]

    /// - Parameter line: of a console; what stands before `event ` in it, such as a time, is passed over.
    public init?(_ line: String) {
        guard let start = line.range(of: "event operation=")?.lowerBound else { return nil }
        var fields: [String: String] = [:]
        var rest = line[start...].dropFirst("event ".count).prefix { !$0.isNewline }
        while let equals = rest.firstIndex(of: "=") {
            let name = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            let end: String.Index
            if rest.first == "\"" {
                rest = rest.dropFirst()
                end = rest.firstIndex(of: "\"") ?? rest.endIndex
            } else {
                end = rest.firstIndex(of: " ") ?? rest.endIndex
            }
            // Twice the same name: something else is on the line.
            guard fields.updateValue(String(rest[..<end]), forKey: name) == nil else { return nil }
            rest = rest[end...].drop { $0 == "\"" || $0 == " " || $0 == "\r" }
        }
        self.fields = fields
    }

    /// SHA-256 of the certificate that the device has, hexadecimal.
    public var fingerprint: String? {
        guard let digits = fields["fingerprint"]?.lowercased(), digits.utf8.count == 64,
            digits.allSatisfy(\.isHexDigit)
        else { return nil }
        return digits
    }

    public var outcome: String? { fields["outcome"] }

    /// The last event line of a console's text that names a certificate.
    static func last(in text: [UInt8]) -> EventLine? {
        text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).reversed().lazy
            .compactMap { EventLine(String(decoding: $0, as: UTF8.self)) }.first { $0.fingerprint != nil }
    }
}

/// A device's last line when its run failed: `error <kind>: <sentence>` (Docs/Manufacture.md).
public struct ConsoleError: Equatable, Sendable {
    public let kind: String
    public let sentence: String

    /// - Returns: nil for another line.
    public init?(_ line: String) {
        guard line.hasPrefix("error "), let colon = line.firstIndex(of: ":") else { return nil }
        kind = String(line[line.index(line.startIndex, offsetBy: 6)..<colon])
        guard !kind.isEmpty, kind.allSatisfy({ $0.isASCII && ($0.isLowercase || $0 == "-" || $0.isNumber) }) else {
            return nil
        }
        sentence = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
}
