import Board
import CVendor

struct VendorEntropy: EntropySource {
    mutating func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
        let status = unsafe seed.withUnsafeMutableBufferPointer { seed in
            guard let start = seed.baseAddress else { return Int32(-1) }
            return unsafe vendor_trng(start, seed.count)
        }
        if status < 0 { throw .failed }
    }
}
