import Foundation

/// A place of the line where a device is plugged in, as it is named: `left=/dev/serial/by-path/…,115200,8E1`, or
/// `right=tcp:10.0.0.7:4001`. The allow-list of a station: it opens these and no other.
public struct PortAddress: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// A serial port, or a pseudo-terminal.
        case serial(path: String, Settings)
        /// A TCP serial server.
        case tcp(host: String, port: UInt16)
    }

    /// How a serial port is set: 115200 baud, 8 data bits, no parity, 1 stop bit by default.
    public struct Settings: Sendable, Equatable {
        public enum Parity: Character, Sendable {
            case none = "N"
            case even = "E"
            case odd = "O"
        }

        public var baud = 115_200
        public var parity = Parity.none
        public var stopBits = 1
    }

    /// As it is shown, and as the manifest's column `port` names it.
    public let name: String
    public let kind: Kind

    /// - Parameter text: `[<name>=]<path>[,<baud>[,8<N|E|O><1|2>]]` or `[<name>=]tcp:<host>:<port>`.
    /// - Returns: nil for what is not in this form.
    public init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let place = String(parts.count == 2 ? parts[1] : parts[0])
        name = String(parts[0])
        guard !name.isEmpty, !place.isEmpty else { return nil }
        if place.hasPrefix("tcp:") {
            let address = place.dropFirst(4)
            guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]),
                port > 0
            else { return nil }
            let host = address[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
            guard !host.isEmpty else { return nil }
            kind = .tcp(host: host, port: port)
            return
        }
        let fields = place.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard fields.count <= 3, fields[0].hasPrefix("/") else { return nil }
        var settings = Settings()
        if fields.count > 1 {
            guard let baud = Int(fields[1]), SerialDevice.speeds[baud] != nil else { return nil }
            settings.baud = baud
        }
        if fields.count > 2 {
            let form = Array(fields[2])
            guard form.count == 3, form[0] == "8", let parity = Settings.Parity(rawValue: form[1]),
                form[2] == "1" || form[2] == "2"
            else { return nil }
            settings.parity = parity
            settings.stopBits = form[2] == "1" ? 1 : 2
        }
        kind = .serial(path: fields[0], settings)
    }
}
