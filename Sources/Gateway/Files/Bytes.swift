import DeviceCrypto

// Bytes on the heap. `String` stays away: to compare two of them costs 70 KB of tables.

extension [UInt8] {
    /// A copy of bytes that lie elsewhere.
    init(copying bytes: Span<UInt8>) {
        self = []
        reserveCapacity(bytes.count)
        append(bytes)
    }

    mutating func append(_ bytes: Span<UInt8>) {
        for index in bytes.indices { append(bytes[index]) }
    }

    /// Sets every byte to 0, for secrets; the array is empty afterwards. It must be the only owner of its bytes.
    mutating func wipe() {
        do {
            var room = mutableSpan
            DeviceCrypto.wipe(&room)
        }
        self = []
    }
}

/// Whether both have the same bytes; for what is not secret.
func areEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
}
