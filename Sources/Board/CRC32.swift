/// The CRC-32 of zip and Ethernet (CRC-32/ISO-HDLC: reflected 04C11DB7). It finds writes that a power cut tore, and bytes that
/// a line changed, not forgeries.
///
/// - Parameter previous: of what stands before `bytes`.
public func crc32(_ bytes: Span<UInt8>, after previous: UInt32 = 0) -> UInt32 {
    var crc = ~previous
    for index in bytes.indices {
        crc ^= UInt32(bytes[index])
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}
