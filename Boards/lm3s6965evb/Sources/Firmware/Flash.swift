import Board

/// The device's data flash: QEMU's part is gone with the power, so a file stands for it that outlives it, under the
/// rules of the real part (LM3S6965 datasheet, chapter 7: words of 4 bytes, sectors of 1 KiB).
enum Flash {
    /// The file; made, erased throughout, when it is not there.
    static func open() -> Semihosting.File? {
        let name: StaticString = "flash.bin"
        if let file = Semihosting.File(existing: name) {
            return file.count == FlashLayout.size ? file : nil
        }
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
