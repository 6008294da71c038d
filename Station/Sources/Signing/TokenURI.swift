/// Where a key on a PKCS #11 token is (RFC 7512): `pkcs11:token=Line;object=station?module-path=/usr/lib/….so&pin-source=file:/…`.
struct TokenURI: Equatable {
    /// CKA_LABEL of the token.
    let token: [UInt8]
    /// CKA_LABEL of the key.
    let object: [UInt8]
    let modulePath: [UInt8]
    /// Path of the file whose first line is the PIN.
    let pinFile: [UInt8]

    /// Whether a text means to be one.
    static func isOne(_ text: String) -> Bool { text.lowercased().hasPrefix("pkcs11:") }

    /// Attributes that are not known could say which of several keys is meant, so they are refused.
    init(_ text: String) throws(SigningError) {
        let parts = text.dropFirst("pkcs11:".count).split(separator: "?", omittingEmptySubsequences: false)
        guard Self.isOne(text), parts.count == 2 else { throw .badURI("module-path and pin-source stand behind a ?") }
        var values: [Substring: [UInt8]] = [:]
        for attribute in parts[0].split(separator: ";") + parts[1].split(separator: "&") {
            let pair = attribute.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair[0] != "pin-value" else {
                throw .badURI(
                    "a PIN does not stand in it: write it into a file of its own, and name that as pin-source")
            }
            guard Self.names.contains(pair[0]), pair.count == 2, values[pair[0]] == nil else {
                throw .badURI("it has \(Self.names.joined(separator: ", ")), once each, and not \(pair[0])")
            }
            values[pair[0]] = try Self.decoded(pair[1])
        }
        if let type = values["type"], type != Array("private".utf8) { throw .badURI("type is private") }
        token = try Self.value("token", values)
        object = try Self.value("object", values)
        modulePath = try Self.path("module-path", values)
        var pin = try Self.value("pin-source", values)
        let scheme = Array("file:".utf8)
        if pin.starts(with: scheme) { pin.removeFirst(scheme.count) }
        if pin.starts(with: Array("///".utf8)) { pin.removeFirst(2) }
        guard pin.first == UInt8(ascii: "/") else { throw .badURI("pin-source is the absolute path of a file") }
        pinFile = pin
    }

    private static let names: [Substring] = ["token", "object", "type", "module-path", "pin-source"]

    private static func value(_ name: Substring, _ values: [Substring: [UInt8]]) throws(SigningError) -> [UInt8] {
        guard let value = values[name], !value.isEmpty else { throw .badURI("it does not say \(name)") }
        return value
    }

    private static func path(_ name: Substring, _ values: [Substring: [UInt8]]) throws(SigningError) -> [UInt8] {
        let path = try value(name, values)
        guard path.first == UInt8(ascii: "/") else { throw .badURI("\(name) is an absolute path") }
        return path
    }

    /// RFC 3986, section 2.1.
    private static func decoded(_ text: Substring) throws(SigningError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                value != 0
            else { throw .badURI("a % in it is not followed by two hexadecimal digits") }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return bytes
    }
}
