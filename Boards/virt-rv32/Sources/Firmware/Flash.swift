import BareMetal
import Board

/// The second bank of NOR flash; the machine would start from what is in the first.
enum Flash {
    /// As the file `board` has it. There is no seed.
    static func open(_ region: FlashRegion) -> CFIFlash<MemoryBus>? {
        switch region {
        case .seed: nil
        case .record: sectors(1, from: 0)
        case .identity: sectors(2, from: 1)
        }
    }

    private static func sectors(_ count: Int, from first: Int) -> CFIFlash<MemoryBus>? {
        CFIFlash(MemoryBus(0x2200_0000), origin: first &* 262_144, sectorSize: 262_144, sectorCount: count)
    }
}
