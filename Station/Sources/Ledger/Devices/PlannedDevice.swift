/// A device that is to be provisioned, as the manifest has it. No secret is part of it.
public struct PlannedDevice: Sendable, Equatable {
    public var serial: String
    public var batch: String
    public var profile: String?
    public var part: String?
    public var port: String?
    public var label: String?
    /// The other columns: names of the device's configuration but `challenge`, and `x-…`.
    public var columns: [String: String]

    public init(
        serial: String, batch: String, profile: String? = nil, part: String? = nil, port: String? = nil,
        label: String? = nil,
        columns: [String: String] = [:]
    ) {
        self.serial = serial
        self.batch = batch
        self.profile = profile
        self.part = part
        self.port = port
        self.label = label
        self.columns = columns
    }
}
