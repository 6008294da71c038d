import Line
import Manifest

/// What a port has to know of a device that makes its own key.
public struct PortDevice: Sendable, Equatable {
    public let serial: String
    /// What it is told of its CA.
    let ca: CATrust.CA
    /// The subject that it is to have, as RFC 4514 writes it; nil if the CA makes it.
    public let subject: String?
    /// The port that it belongs to; nil for any.
    public let port: String?
    /// What hooks are told of it.
    let hooked: Hooks.Device

    init(serial: String, ca: CATrust.CA, subject: String? = nil, port: String? = nil) {
        (self.serial, self.ca, self.subject, self.port) = (serial, ca, subject, port)
        hooked = Hooks.Device(serial: serial)
    }

    /// - Parameter device: of a manifest.
    public init?(_ device: ManifestDevice) {
        guard device.keyOrigin == .device else { return nil }
        func value(_ name: String) -> String? { device.configuration.first { $0.name == name }?.value }
        guard let url = value("url"), let fingerprint = value("fingerprint") else { return nil }
        (serial, subject, port) = (device.serial, value("subject"), device.port)
        hooked = Hooks.Device(device)
        ca = CATrust.CA(
            url: url, fingerprint: fingerprint, message: value("message") ?? "", allow: value("allow") ?? "")
    }
}
