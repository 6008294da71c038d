/// The CRC-32 of zip and Ethernet (CRC-32/ISO-HDLC: reflected 04C11DB7). It finds writes that a power cut tore, not
/// forgeries.
public func crc32(_ bytes: Span<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for index in bytes.indices {
        crc ^= UInt32(bytes[index])
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}
