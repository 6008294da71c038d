import Ledger
import Manifest

extension ManifestDevice {
    /// As the ledger keeps it: without the challenge.
    ///
    /// - Parameter batch: of rows that name none.
    public func planned(batch: String) -> PlannedDevice {
        let columns = carried.merging(configuration.map { ($0.name, $0.value) }) { $1 }
        return PlannedDevice(
            serial: serial, batch: self.batch ?? batch, profile: profile, part: part, port: port, label: label,
            columns: columns)
    }
}
