import Foundation
import Testing

@testable import Emulator

/// What a disk has after a power cut, by a log as QEMU writes it.
@Suite struct DiskLogTests {
    /// A log in the format of dm-log-writes, sectors of 512 bytes.
    private struct Log {
        var bytes = number(0x6A_7366_7773_6872) + number(1) + [UInt8](repeating: 0, count: 496)

        static func number(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }

        /// Pages of 4,096 bytes, all of this value, at this page of the disk.
        mutating func write(page: UInt64, _ value: UInt8, count: Int = 1) {
            entry(sector: 8 * page, count: 8 * UInt64(count), flags: 0)
            bytes += [UInt8](repeating: value, count: 4096 * count)
        }

        mutating func flush() { entry(sector: 0, count: 0, flags: 1) }

        mutating func entry(sector: UInt64, count: UInt64, flags: UInt64) {
            bytes += [sector, count, flags, 0].flatMap(Self.number) + [UInt8](repeating: 0, count: 480)
        }

        func parsed() throws -> DiskLog { try DiskLog(bytes: Data(bytes)) }
    }

    /// The first byte of each page that `log` makes of a blank disk.
    private func pages(_ log: DiskLog, at position: Int, _ unflushed: DiskCut.Unflushed) -> [UInt8] {
        let image = log.image(from: Data(count: 4 * 4096), cut: DiskCut(at: position, unflushed: unflushed))
        return (0..<4).map { page in
            let whole = image[page * 4096..<(page + 1) * 4096]
            #expect(Set(whole).count == 1, "page \(page) is torn")
            return whole.first ?? 0
        }
    }

    @Test func whatWasFlushedStaysAndTheRestIsLostOrKept() throws {
        var log = Log()
        log.write(page: 0, 1)
        log.write(page: 1, 2)
        log.flush()
        log.write(page: 0, 3)
        let parsed = try log.parsed()
        #expect(parsed.operations.count == 4)
        #expect(pages(parsed, at: 2, .lost) == [0, 0, 0, 0])
        #expect(pages(parsed, at: 2, .kept) == [1, 2, 0, 0])
        #expect(pages(parsed, at: 3, .lost) == [1, 2, 0, 0])
        #expect(pages(parsed, at: 4, .lost) == [1, 2, 0, 0])
        #expect(pages(parsed, at: 4, .kept) == [3, 2, 0, 0])
    }

    @Test func unflushedWritesAreLostKeptAndTornAsTheyCome() throws {
        var log = Log()
        log.write(page: 0, 1)
        log.flush()
        log.write(page: 1, 2, count: 2)
        log.write(page: 3, 3)
        let parsed = try log.parsed()
        let disks = Set((0..<200).map { pages(parsed, at: 4, .some($0)) })
        #expect(disks == [[1, 0, 0, 0], [1, 2, 0, 0], [1, 2, 2, 0], [1, 0, 0, 3], [1, 2, 0, 3], [1, 2, 2, 3]])
        #expect(pages(parsed, at: 4, .some(7)) == pages(parsed, at: 4, .some(7)))
    }

    @Test func emulatorThatWasKilledLeavesHolesAndAnOpenEnd() throws {
        var log = Log()
        log.write(page: 0, 1)
        log.bytes += [UInt8](repeating: 0, count: 3 * 512)
        log.write(page: 1, 2)
        log.write(page: 2, 3)
        log.bytes.removeLast(512)
        #expect(pages(try log.parsed(), at: 2, .kept) == [1, 2, 0, 0])
        log.bytes.replaceSubrange(0..<16, with: [UInt8](repeating: 0, count: 16))
        #expect(pages(try log.parsed(), at: 2, .kept) == [1, 2, 0, 0])
        #expect(try DiskLog(bytes: Data()).operations.isEmpty)
    }

    @Test func unknownEntryIsAnError() throws {
        var log = Log()
        log.entry(sector: 0, count: 8, flags: 4)
        #expect(throws: DiskLogError.unknownEntry(at: 512, flags: 4)) { try log.parsed() }
        log.bytes[0] ^= 1
        #expect(throws: DiskLogError.notALog) { try log.parsed() }
    }
}
