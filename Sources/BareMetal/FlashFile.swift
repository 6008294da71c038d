import Board

/// What lies in a device's flash.
public enum FlashRegion {
    /// See ``Board/SeedRegion``.
    case seed
    /// See ``Board/ProvisioningRecord``.
    case record
    /// The agent's store.
    case identity
}

/// A data flash in place of one that QEMU has not, or forgets with the power: the file `flash.bin` in its working folder,
/// under the rules of NOR flash with words of 4 bytes and sectors of 1 KiB (``Board/FlashLayout``).
public enum FlashFile {
    /// A region of it; nil where the file is not to be had, or is none of that size. One that is not there is made, and erased
    /// throughout.
    public static func open(_ region: FlashRegion) -> NORFlash<Semihosting.File>? {
        guard let file = open(), file.count == FlashLayout.size else { return nil }
        return switch region {
        case .seed: NORFlash(file, origin: FlashLayout.seedOrigin, geometry: FlashLayout.seed)
        case .record: NORFlash(file, origin: FlashLayout.recordOrigin, geometry: FlashLayout.record)
        case .identity: NORFlash(file, origin: FlashLayout.identityOrigin, geometry: FlashLayout.identity)
        }
    }

    private static func open() -> Semihosting.File? {
        let name: StaticString = "flash.bin"
        if let file = Semihosting.File(existing: name) { return file }
        guard let file = Semihosting.File(new: name) else { return nil }
        var all = NORFlash(file, origin: 0, geometry: FlashLayout.all)
        do throws(StorageError) {
            for sector in 0..<all.geometry.sectorCount { try all.erase(sector: sector) }
        } catch {
            return nil
        }
        return file
    }
}
