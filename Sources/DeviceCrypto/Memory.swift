import CMbedTLS

/// Whether both have the same bytes, in a time that depends on their lengths alone.
@inline(never)
public func constantTimeEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    guard !left.isEmpty else { return true }
    return unsafe left.withUnsafeBufferPointer { left in
        unsafe right.withUnsafeBufferPointer { right in
            guard let leftBytes = left.baseAddress, let rightBytes = right.baseAddress else { return false }
            return unsafe mbedtls_ct_memcmp(leftBytes, rightBytes, left.count) == 0
        }
    }
}

/// Sets every byte to 0; the compiler does not leave it out.
public func wipe(_ bytes: inout MutableSpan<UInt8>) {
    unsafe bytes.withUnsafeMutableBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        unsafe mbedtls_platform_zeroize(base, bytes.count)
    }
}
