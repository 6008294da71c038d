import Bytes
import TestSupport
import Testing

@Suite struct ByteOrderTests {
    /// Compared with what the integers lie like in memory.
    @Test(arguments: [0, 1, 0x0102_0304, 0x8000_0000, 0xFEDC_BA98, UInt32.max])
    func bothOrdersAreReadAndWritten(value: UInt32) {
        let big = withUnsafeBytes(of: value.bigEndian) { Array($0) }
        let little = withUnsafeBytes(of: value.littleEndian) { Array($0) }
        var bytes: [UInt8] = [0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5]
        #expect(bigEndian(([0xA5] + big).span, at: 1) == value)
        #expect(littleEndian(([0xA5] + little).span, at: 1) == value)
        write { storeBigEndian(value, at: 1, in: &$0) }
        #expect(bytes == [0xA5] + big + [0xA5])
        write { storeLittleEndian(value, at: 1, in: &$0) }
        #expect(bytes == [0xA5] + little + [0xA5])

        func write(_ store: (inout MutableSpan<UInt8>) -> Void) {
            var span = bytes.mutableSpan
            store(&span)
        }
    }
}
