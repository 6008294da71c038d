import _Volatile

/// A 32-bit register at a fixed address.
public struct Register {
    private let register: VolatileMappedRegister<UInt32>

    public init(_ address: UInt) {
        register = unsafe VolatileMappedRegister(unsafeBitPattern: address)
    }

    public var value: UInt32 {
        get { register.load() }
        nonmutating set { register.store(newValue) }
    }

    /// Waits until `condition` holds, at most `turns` reads; false when it never did.
    public func wait(turns: Int, until condition: (UInt32) -> Bool) -> Bool {
        for _ in 0..<turns where condition(value) { return true }
        return false
    }
}

/// An 8-bit register at a fixed address.
public struct ByteRegister {
    private let register: VolatileMappedRegister<UInt8>

    public init(_ address: UInt) {
        register = unsafe VolatileMappedRegister(unsafeBitPattern: address)
    }

    public var value: UInt8 {
        get { register.load() }
        nonmutating set { register.store(newValue) }
    }

    /// Waits until `condition` holds, at most `turns` reads; false when it never did.
    public func wait(turns: Int, until condition: (UInt8) -> Bool) -> Bool {
        for _ in 0..<turns where condition(value) { return true }
        return false
    }
}
