/// The name of a file or folder for a serial: itself, but each byte that is no letter, digit, `-` or `_` as `%` and two hexadecimal
/// digits. No two serials have the same, and none is a path, or hidden.
func fileName(_ serial: String) -> String {
    serial.utf8.reduce(into: "") { name, byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            name.unicodeScalars.append(Unicode.Scalar(byte))
        default: name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
}
