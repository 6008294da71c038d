import Board
import Foundation
import Relay
import TestSupport
import Testing

/// Docs/Relay.md says what the code does.
@Suite struct RelayDocumentTests {
    private struct Row {
        let side: RelayLink.Side
        let name: String
        let bytes: [UInt8]
    }

    private static func document() throws -> [String] {
        let file = URL(filePath: #filePath).appending(path: "../../../Docs/Relay.md").standardized
        return try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    }

    private static func rows() throws -> [Row] {
        try document().filter { $0.hasPrefix("device ") || $0.hasPrefix("station ") }.map { line in
            let words = line.split(separator: " ")
            return Row(
                side: words[0] == "device" ? .device : .station, name: String(words[1]),
                bytes: [UInt8](hex: words[3...].joined()))
        }
    }

    private static let payloads: [String: [UInt8]] = [
        "device DATA": Array("GET".utf8), "station DATA": [0, 1, 0], "station OPENED": [0], "station CLOSE": [0],
        "device LINE": Array("done".utf8),
    ]
    private static let kinds: [String: RelayFrame] = [
        "OPEN": .open, "OPENED": .open, "DATA": .data, "CLOSE": .close, "LINE": .line, "READ": .certificate,
        "CERTIFICATE": .certificate, "RUN": .run, "DONE": .done,
    ]

    /// Each side writes the bytes of its rows, and understands the other's.
    @Test func theExampleIsTrue() throws {
        let serial = Array("SN-0007".utf8)
        var device = RelayLink(.device, session: 0xA1A2_A3A4_A5A6_A7A8, serial: serial.span)
        var station = RelayLink(.station, session: 0x1122_3344_5566_7788)
        let rows = try Self.rows()
        #expect(rows.count == 22)
        for row in rows {
            let payload = Self.payloads["\(row.side) \(row.name)"] ?? []
            var frame = [UInt8](repeating: 0, count: RelayFrame.capacity)
            var output = frame.mutableSpan
            let count: Int
            let arrived: RelayFrame?
            let received: [UInt8]
            if row.side == .device {
                if let kind = Self.kinds[row.name] { _ = device.begin(kind, at: 0) }
                count = device.output(payload.span, at: 0, into: &output)
                arrived = row.bytes.map { station.receive($0) }.last ?? nil
                received = station.payload.array
                station.discard()
            } else {
                if let kind = Self.kinds[row.name] { _ = station.begin(kind, at: 0) }
                count = station.output(payload.span, at: 0, into: &output)
                arrived = row.bytes.map { device.receive($0) }.last ?? nil
                received = device.payload.array
                device.discard()
            }
            #expect(Array(frame[..<count]) == row.bytes, "\(row.side) \(row.name)")
            if let kind = Self.kinds[row.name] {
                #expect(arrived == kind, "\(row.side) \(row.name)")
                #expect(received == payload, "\(row.side) \(row.name)")
            }
        }
        // The first HELLO answers nobody.
        var expected = RelayLink.Counts()
        expected.unasked = 1
        let counts = [device.counts, station.counts]
        #expect(counts == [RelayLink.Counts(), expected])
        let isSending = device.isSending || station.isSending
        #expect(!isSending)
    }

    /// The example is as another implementation of COBS and CRC-32 has it.
    @Test func theExampleIsAsAnotherWritesIt() throws {
        let device: UInt64 = 0xA1A2_A3A4_A5A6_A7A8
        let station: UInt64 = 0x1122_3344_5566_7788
        let rows = try Self.rows()
        let serial = Array("SN-0007".utf8)
        #expect(rows[0].bytes == HandmadeFrame.hello(device, to: 0, serial).bytes)
        #expect(rows[1].bytes == HandmadeFrame.who(station).bytes)
        #expect(rows[2].bytes == HandmadeFrame.hello(device, to: station, serial).bytes)
        #expect(rows[3].bytes == HandmadeFrame(type: 0x82, number: 0, session: (device, station)).bytes)
        let data = HandmadeFrame(type: 0x84, number: 2, payload: [0, 1, 0], session: (device, station))
        #expect(rows[10].bytes == data.bytes)
    }

    @Test func theTimesAreTrue() throws {
        let rows = try Self.document()
        #expect(rows.contains("| frame sent again without ACK | \(RelayLink.repeatInterval) ms |"))
        #expect(rows.contains { $0.hasPrefix("| device gives it up | \(RelayLink.patience / 1000) s: 10 times") })
        #expect(rows.contains("| HELLO, WHO as long as nobody answers | \(RelayLink.greetingInterval / 1000) s |"))
        #expect(RelayFrame.capacity == 249)
    }

    /// The table of types, by what a link takes from the other side.
    @Test func theTableOfTypesIsTrue() throws {
        var types: [UInt8: String] = [:]
        for line in try Self.document().filter({ $0.hasPrefix("| ") }) {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 8 else { continue }
            for column in [1, 4] {
                let type = cells[column].trimmingCharacters(in: ["`"])
                if let number = UInt8(type, radix: 16) { types[number] = cells[column + 1] }
            }
        }
        #expect(types.count == 15)
        let session: (UInt64, UInt64) = (1, 2)
        for type in UInt8(0)...255 where ![0x01, 0x02, 0x81, 0x82].contains(type) {
            let isDevice = type >= 0x80
            var link = RelayLink(isDevice ? .device : .station, session: isDevice ? 1 : 2, serial: [0x41].span)
            let greeting: HandmadeFrame = isDevice ? .who(2) : .hello(1, to: 2, [0x41])
            let frames: [HandmadeFrame] = [
                greeting, HandmadeFrame(type: isDevice ? 0x82 : 0x02, number: 0, session: session),
                HandmadeFrame(type: type, number: 1, payload: [1], session: session),
            ]
            var arrived: RelayFrame?
            for frame in frames {
                for byte in frame.bytes { arrived = link.receive(byte) }
                var output = [UInt8](repeating: 0, count: RelayFrame.capacity)
                var span = output.mutableSpan
                while link.output(Span(), at: 0, into: &span) > 0 {}
            }
            #expect((arrived != nil) == (types[type] != nil), "\(type)")
        }
    }
}
