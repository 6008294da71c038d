/// `UInt64(value)`: Swift 6.3 takes the plain conversion for an allocation on 32-bit targets (`-no-allocations`).
public func widened(_ value: UInt32) -> UInt64 { UInt64(_truncatingBits: UInt(value)) }
