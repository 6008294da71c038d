import Manifest

/// What a port has to know of a device that makes its own key.
public struct PortDevice: Sendable, Equatable {
    public let serial: String
    /// Of its CA.
    public let url: String
    /// The subject that it is to have, as RFC 4514 writes it; nil if the CA makes it.
    public let subject: String?
    /// The port that it belongs to; nil for any.
    public let port: String?
    public let batch: String?
    public let label: String?

    public init(
        serial: String, url: String, subject: String? = nil, port: String? = nil, batch: String? = nil,
        label: String? = nil
    ) {
        (self.serial, self.url, self.subject, self.port, self.batch, self.label) = (
            serial, url, subject, port, batch, label
        )
    }

    /// - Parameter device: of a manifest.
    public init?(_ device: ManifestDevice) {
        guard device.keyOrigin == .device else { return nil }
        func value(_ name: String) -> String? { device.configuration.first { $0.name == name }?.value }
        guard let url = value("url") else { return nil }
        (serial, self.url, subject) = (device.serial, url, value("subject"))
        (port, batch, label) = (device.port, device.batch, device.label)
    }
}
