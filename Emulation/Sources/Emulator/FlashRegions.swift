/// Where things are in a device's flash, in bytes.
public struct FlashRegions: Sendable, Hashable {
    public let size: Int
    /// Nil where a random generator is in its place.
    public let seed: Int?
    public let record: Int
    public let identity: Range<Int>

    /// That of ``Board/FlashLayout``, of all boards whose flash is a file of their own making.
    public static let usual = FlashRegions(size: 65_536, seed: 0x0000, record: 0x0800, identity: 0x1000..<65_536)

    static let recordTextLimit = 1_536
    static let seedSize = 64
}
