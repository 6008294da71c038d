import Board
import CBareMetal

/// The debugger's, here QEMU's, services (Arm "Semihosting for AArch32 and AArch64", chapter 6).
public enum Semihosting {
    private static let open: UInt32 = 0x01
    private static let write: UInt32 = 0x05
    private static let read: UInt32 = 0x06
    private static let seek: UInt32 = 0x0A
    private static let length: UInt32 = 0x0C
    private static let exitExtended: UInt32 = 0x20

    private static func call(_ operation: UInt32, _ arguments: InlineArray<4, UInt32>) -> Int {
        var block = arguments
        return unsafe withUnsafeMutablePointer(to: &block) { pointer in
            unsafe Int(cpuSemihosting(operation, pointer))
        }
    }

    /// How an emulated run ends: the exit code of QEMU.
    public enum ExitCode: UInt32 {
        case success = 0
        case failure = 1
        case fault = 3
    }

    /// Ends QEMU.
    public static func exit(_ code: ExitCode) -> Never {
        // ADP_Stopped_ApplicationExit
        _ = call(exitExtended, [0x20026, code.rawValue, 0, 0])
        while true { cpuWait() }
    }

    /// A file in QEMU's working directory.
    public struct File: Medium {
        private let handle: UInt32

        /// Opens the file for reading and writing; nil when it is not there.
        public init?(existing name: StaticString) {
            self.init(name, mode: 3)
        }

        /// Makes the file, empty; nil when that is not possible.
        public init?(new name: StaticString) {
            self.init(name, mode: 7)
        }

        private init?(_ name: StaticString, mode: UInt32) {
            let address = unsafe UInt32(UInt(bitPattern: name.utf8Start))
            let result = Semihosting.call(Semihosting.open, [address, mode, UInt32(name.utf8CodeUnitCount), 0])
            guard result >= 0 else { return nil }
            handle = UInt32(result)
        }

        /// In bytes.
        public var count: Int { Semihosting.call(Semihosting.length, [handle, 0, 0, 0]) }

        public func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try seek(offset)
            let missed = unsafe buffer.withUnsafeMutableBufferPointer { bytes in
                unsafe Semihosting.call(
                    Semihosting.read, [handle, Semihosting.address(bytes.baseAddress), UInt32(bytes.count), 0])
            }
            guard missed == 0 else { throw .failed }
        }

        public func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
            try seek(offset)
            let missed = unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe Semihosting.call(
                    Semihosting.write, [handle, Semihosting.address(bytes.baseAddress), UInt32(bytes.count), 0])
            }
            guard missed == 0 else { throw .failed }
        }

        private func seek(_ offset: Int) throws(StorageError) {
            guard Semihosting.call(Semihosting.seek, [handle, UInt32(offset), 0, 0]) == 0 else { throw .failed }
        }
    }

    private static func address(_ pointer: UnsafeRawPointer?) -> UInt32 {
        UInt32(UInt(bitPattern: pointer))
    }
}
