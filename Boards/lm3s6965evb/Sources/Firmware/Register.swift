import _Volatile

/// A 32-bit register at a fixed address.
struct Register {
    private let register: VolatileMappedRegister<UInt32>

    init(_ address: UInt) {
        register = unsafe VolatileMappedRegister(unsafeBitPattern: address)
    }

    var value: UInt32 {
        get { register.load() }
        nonmutating set { register.store(newValue) }
    }

    /// Waits until `condition` holds, at most `turns` reads; false when it never did.
    func wait(turns: Int, until condition: (UInt32) -> Bool) -> Bool {
        for _ in 0..<turns where condition(value) { return true }
        return false
    }
}
