import Board

/// What a device keeps its identity on.
public struct Medium: Sendable {
    /// `directory`, or `nor-p<page>-s<sector>-<erased>`, sizes in bytes and the erased value in hexadecimal.
    public let name: String
    /// Nil: a folder.
    private let geometry: StorageGeometry?

    /// Files in a folder.
    public static let directory = Medium(name: "directory", geometry: nil)

    /// NOR flash.
    ///
    /// - Parameters:
    ///   - page: bytes.
    ///   - sector: bytes.
    public static func nor(page: Int, sector: Int, erased: UInt8) -> Medium {
        // Head and digest of a snapshot, and its marker.
        let end = (Device.capacity + 56 + page - 1) / page * page + max(page, 8)
        let sectors = (end + sector - 1) / sector
        // As many banks as the store has use for, or one more, so that its turn is tried too.
        let banks = [512, 2048].contains(sector) ? 3 : 2
        let geometry = StorageGeometry(
            pageSize: page, sectorSize: sector, sectorCount: banks * sectors, erasedValue: erased)
        return Medium(name: "nor-p\(page)-s\(sector)-\(erased == 0 ? "00" : "ff")", geometry: geometry)
    }

    /// Of every kind some.
    public static let sample = [
        nor(page: 1, sector: 256, erased: 0xFF), nor(page: 2, sector: 512, erased: 0),
        nor(page: 4, sector: 1024, erased: 0xFF), nor(page: 32, sector: 4096, erased: 0),
        nor(page: 256, sector: 4096, erased: 0xFF), nor(page: 1024, sector: 2048, erased: 0xFF), small,
        directory,
    ]

    /// All pages and sectors, with either erased value.
    public static let all: [Medium] = {
        var media = [directory]
        for erased in [0, 0xFF] as [UInt8] {
            for page in 0...11 {
                for sector in max(page, 8)...12 {
                    media.append(nor(page: 1 << page, sector: 1 << sector, erased: erased))
                }
            }
        }
        return media
    }()

    /// The flash with the fewest operations, for cuts of what follows a cut.
    public static let small = nor(page: 2048, sector: 4096, erased: 0)

    func run(_ bench: Bench, depth: Int, share: Share) -> Tally {
        guard let geometry else {
            var sweep = PowerCutSweep(bench, part: DirectoryPart(), partName: name)
            return sweep.run(depth: depth, share: share)
        }
        var sweep = PowerCutSweep(bench, part: NORPart(geometry), partName: name)
        return sweep.run(depth: depth, share: share)
    }

    func replay(_ path: [String], _ bench: Bench, foreign: Bench) throws {
        guard let geometry else {
            return try PowerCutSweep(bench, part: DirectoryPart(), partName: name).replay(path, foreign: foreign)
        }
        try PowerCutSweep(bench, part: NORPart(geometry), partName: name).replay(path, foreign: foreign)
    }
}

/// A part of a sweep's cut points: of every `count` the one at `index`.
struct Share: Sendable {
    var index = 0
    var count = 1

    func has(_ number: Int) -> Bool { number % count == index }
}
