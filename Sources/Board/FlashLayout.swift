/// Where things lie in a device's data flash: 64 KiB in sectors of 1 KiB, erased to FF. The same on every board of
/// this project; what the factory writes there stands in Docs/Manufacture.md.
///
/// | offset | bytes | region |
/// |---|---|---|
/// | 0x0000 | 2,048 | seed, see ``SeedRegion`` |
/// | 0x0800 | 2,048 | provisioning record, see ``ProvisioningRecord`` |
/// | 0x1000 | 61,440 | identity, the agent's store |
public enum FlashLayout {
    public static var size: Int { 65_536 }
    public static var seedOrigin: Int { 0 }
    public static var recordOrigin: Int { 0x0800 }
    public static var identityOrigin: Int { 0x1000 }

    public static var all: StorageGeometry { geometry(sectors: 64) }
    public static var seed: StorageGeometry { geometry(sectors: 2) }
    public static var record: StorageGeometry { geometry(sectors: 2) }
    public static var identity: StorageGeometry { geometry(sectors: 60) }

    private static func geometry(sectors: Int) -> StorageGeometry {
        StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: sectors, erasedValue: 0xFF)
    }
}
