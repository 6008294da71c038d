import Foundation
import Testing

@testable import Emulator

@Suite struct ManufactureTests {
    var record: ProvisioningRecord {
        var record = ProvisioningRecord(
            url: "http://10.0.2.2:8080/scep", fingerprint: String(repeating: "a5", count: 32), challenge: "p=w d",
            subject: "CN=sensor,O=Line 4")
        record.subjectAltName = "DNS:sensor.example,IP:10.0.0.7"
        record.leniencies = [.sha1, .singleDES]
        record.pollInterval = 2
        return record
    }

    @Test func checksumIsThatOfZip() {
        // The check value of CRC-32/ISO-HDLC.
        #expect(FlashImage.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test func flashLeavesTheFactoryAsDocumented() throws {
        let seed = [UInt8](0..<64)
        let image = try FlashImage(record: record, seed: seed)
        #expect(image.bytes.count == 65_536)
        #expect(image.bytes[..<72].elementsEqual(Array("SEED".utf8) + [1, 0, 0, 0] + seed))
        #expect(image.bytes[76..<0x800].allSatisfy { $0 == 0xFF })
        let text = """
            url=http://10.0.2.2:8080/scep
            fingerprint=\(String(repeating: "a5", count: 32))
            challenge=p=w d
            subject=CN=sensor,O=Line 4
            san=DNS:sensor.example,IP:10.0.0.7
            allow=des,sha1
            poll=2

            """
        let size = text.utf8.count
        #expect(
            image.bytes[0x800..<0x808].elementsEqual(
                Array("SCEP".utf8) + [UInt8(size & 0xFF), UInt8(size >> 8), 0, 0]))
        #expect(image.bytes[0x808..<0x808 + size].elementsEqual(text.utf8))
        #expect(image.identityRegion.allSatisfy { $0 == 0xFF })
    }

    @Test func devicesGetSeedsOfTheirOwn() throws {
        #expect(try FlashImage(record: record) != FlashImage(record: record))
    }

    @Test(arguments: ["a\nchallenge=b", "a\n", "\r", "a\r\nb"])
    func lineBreakInAValueIsRefused(value: String) {
        var broken = record
        broken.subject = value
        #expect(throws: ManufactureError.lineBreak("subject")) { try FlashImage(record: broken) }
    }

    @Test func recordThatDoesNotFitIsRefused() {
        var long = record
        long.subject = String(repeating: "x", count: 1_536)
        #expect(throws: ManufactureError.tooLong(long.text.utf8.count)) { try FlashImage(record: long) }
    }
}
