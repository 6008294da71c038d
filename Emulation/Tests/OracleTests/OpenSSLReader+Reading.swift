import COpenSSL
import Foundation

extension OpenSSLReader {
    struct Refusal: Error {}

    static func checked(_ body: () throws -> String) -> Verdict {
        defer { ERR_clear_error() }
        do {
            return .accepted(try body())
        } catch {
            let code = ERR_peek_error()
            return .refused(code == 0 ? "it" : ERR_reason_error_string(code).map { String(cString: $0) } ?? "\(code)")
        }
    }

    /// Reads an object that fills `bytes`: `reader` is OpenSSL's `d2i_…`.
    static func read<Pointer>(
        _ bytes: [UInt8], free: (Pointer) -> Void,
        _ reader: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Pointer?
    ) throws -> Pointer {
        try bytes.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            guard let object = reader(&cursor, buffer.count) else { throw Refusal() }
            guard let cursor, let start = buffer.baseAddress, cursor - start == buffer.count else {
                free(object)
                throw Refusal()
            }
            return object
        }
    }

    /// Writes an object: `writer` is OpenSSL's `i2d_…`.
    static func encoded(
        _ writer: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let count = writer(&start)
        guard count >= 0, let start else { throw Refusal() }
        defer { CRYPTO_free(start, nil, 0) }
        return [UInt8](UnsafeBufferPointer(start: start, count: Int(count)))
    }

    static func publicKey(_ der: [UInt8]) throws -> OpaquePointer {
        try read(der, free: { EVP_PKEY_free($0) }) { d2i_PUBKEY(nil, $0, $1) }
    }

    static func name(_ pointer: OpaquePointer?) throws -> [UInt8] { try encoded { i2d_X509_NAME(pointer, $0) } }

    /// The attributes of a Name in DER, in their order, such as `CN=sensor 7`.
    static func attributes(ofName der: [UInt8]) throws -> [String] {
        let name = try read(der, free: { X509_NAME_free($0) }) { d2i_X509_NAME(nil, $0, $1) }
        defer { X509_NAME_free(name) }
        return try (0..<X509_NAME_entry_count(name)).map { index in
            let entry = X509_NAME_get_entry(name, index)
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
            guard let text, count >= 0 else { throw Refusal() }
            defer { CRYPTO_free(text, nil, 0) }
            let value = String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
            return String(cString: OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)))) + "=" + value
        }
    }

    /// The content of an INTEGER.
    static func contents(_ integer: UnsafePointer<ASN1_INTEGER>?) -> [UInt8] {
        let encoding = (try? encoded { i2d_ASN1_INTEGER(integer, $0) }) ?? []
        return Element(der: encoding)?.bytes ?? []
    }

    /// Seconds since 1970.
    static func time(_ time: UnsafePointer<ASN1_TIME>?) throws -> String {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { throw Refusal() }
        return "\(timegm(&parts))"
    }

    static func written(_ bio: OpaquePointer?) -> [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = COpenSSL_memoryContents(bio, &start)
        guard let start, count > 0 else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// Facts in a line.
func facts(_ facts: (String, String)...) -> String { facts.map { "\($0) \($1)" }.joined(separator: "; ") }

func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
