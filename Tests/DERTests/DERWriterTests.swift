import DER
import Testing

@Suite struct DERWriterTests {
    /// A SET OF comes out sorted, whatever the order it was written in (X.690, 11.6).
    @Test func setsAreSorted() throws {
        var buffer = [UInt8](repeating: 0xEE, count: 32)
        var front = 0
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: 32)
            let end = writer.front
            try writer.write(integer: 5)
            try writer.write(boolean: true)
            try writer.write(integer: 300)
            try writer.wrapSetOf(from: end)
            front = writer.front
        }
        #expect(Array(buffer[front...]) == [0x31, 10, 0x01, 1, 0xFF, 0x02, 1, 5, 0x02, 2, 1, 0x2C])
    }
}
