import Board
import CLinux

/// The kernel's random generator; waits until it has gathered enough after a boot. The seed region is not used.
public struct SystemEntropy: EntropySource {
    public init() {}

    public func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
        var done = 0
        while done < seed.count {
            var rest = seed._mutatingExtracting(droppingFirst: done)
            let count = unsafe rest.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, $0.count, 0) }
            if count > 0 {
                done &+= count
            } else if count == 0 || linux_errno() != EINTR {
                throw .failed
            }
        }
    }
}
