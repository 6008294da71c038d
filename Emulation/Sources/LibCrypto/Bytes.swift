import COpenSSL

/// Bytes that OpenSSL reads, or collects.
final class MemoryBIO {
    let pointer: OpaquePointer

    init() throws(LibCryptoError) {
        pointer = try made(BIO_new(BIO_s_mem()), "allocating a buffer")
    }

    /// A buffer that holds `bytes`.
    convenience init(_ bytes: [UInt8]) throws(LibCryptoError) {
        try self.init()
        guard !bytes.isEmpty else { return }
        try check(BIO_write(pointer, bytes, Int32(bytes.count)), "filling a buffer")
    }

    deinit { BIO_free_all(pointer) }

    /// What was written and not yet read.
    var contents: [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = COpenSSL_memoryContents(pointer, &start)
        guard let start, count > 0 else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// Everything that can be read from `bio`, or nil when a filter in it reports a failure.
func readAll(_ bio: OpaquePointer) -> [UInt8]? {
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = BIO_read(bio, &chunk, Int32(chunk.count))
        guard count >= 0 else { return nil }
        guard count > 0 else { return result }
        result.append(contentsOf: chunk[..<Int(count)])
    }
}

/// The encoding that `write` gives: it is OpenSSL's `i2d_…`, called once to measure and once to write.
func encoded(
    _ action: String, _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
) throws(LibCryptoError) -> [UInt8] {
    let count = write(nil)
    guard count > 0 else { throw LibCryptoError(action) }
    var result = [UInt8](repeating: 0, count: Int(count))
    let written = result.withUnsafeMutableBufferPointer { buffer in
        var cursor = buffer.baseAddress
        return write(&cursor)
    }
    guard written == count else { throw LibCryptoError(action) }
    return result
}

/// What `read` makes of all of `bytes`: it is OpenSSL's `d2i_…`. Bytes left over are an error.
func decoded<Pointer>(
    _ bytes: [UInt8], _ action: String,
    free: (Pointer) -> Void,
    _ read: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Pointer?
) throws(LibCryptoError) -> Pointer {
    var consumed = 0
    let result = bytes.withUnsafeBufferPointer { buffer -> Pointer? in
        guard let start = buffer.baseAddress else { return nil }
        var cursor: UnsafePointer<UInt8>? = start
        guard let result = read(&cursor, buffer.count) else { return nil }
        consumed = (cursor ?? start) - start
        return result
    }
    let object = try made(result, action)
    guard consumed == bytes.count else {
        free(object)
        throw LibCryptoError("\(action): \(bytes.count - consumed) bytes are left over at the end")
    }
    return object
}

extension [UInt8] {
    init(_ string: UnsafePointer<ASN1_STRING>) {
        self.init(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
    }

    /// Two lower-case hexadecimal digits a byte.
    public var hexadecimal: String {
        let digits = [UInt8]("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 2 * count) { buffer in
            for (index, byte) in enumerated() {
                buffer[2 * index] = digits[Int(byte >> 4)]
                buffer[2 * index + 1] = digits[Int(byte & 15)]
            }
            return 2 * count
        }
    }

    /// The bytes of `hexadecimal`, colons and spaces left out, or nil when it is none.
    public init?(hexadecimal: String) {
        let digits = hexadecimal.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: " ") }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index..<index + 2], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        self = bytes
    }
}

/// `count` random bytes.
public func randomBytes(_ count: Int) throws(LibCryptoError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try check(RAND_bytes(&bytes, Int32(count)), "drawing random bytes")
    return bytes
}
