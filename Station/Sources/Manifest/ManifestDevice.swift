/// A device as its manifest and profile have it, checked.
public struct ManifestDevice: Sendable {
    public let serial: String
    public let batch: String?
    public let profile: String?
    public let part: String?
    public let port: String?
    public let label: String?
    /// What the device is told: names and values of its configuration, but the challenge.
    public let configuration: [(name: String, value: String)]
    /// The challengePassword; nil if there is none, or a command fetches it.
    public let challenge: String?
    /// Columns `x-…`, for the reports.
    public let carried: [String: String]
    public let keyOrigin: Profile.KeyOrigin
    public let partition: Profile.Partition

    /// The configuration's text, as the core's `Configuration` reads it. It holds the challenge.
    ///
    /// - Parameter challenge: of this device, if it was fetched just now.
    public func text(challenge: String? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        // Moved to a larger place, a secret would be left in the smaller one.
        bytes.reserveCapacity(configuration.reduce(512) { $0 + $1.name.utf8.count + $1.value.utf8.count + 2 })
        for (name, value) in configuration { bytes += "\(name)=\(value)\n".utf8 }
        if let challenge = challenge ?? self.challenge {
            bytes += "challenge=".utf8
            bytes += challenge.utf8
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
