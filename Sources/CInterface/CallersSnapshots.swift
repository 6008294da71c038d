import Agent
import Board
import Bytes
import CSCEP
import DeviceCrypto

/// Snapshots that the caller keeps. Behind each stands its SHA-256, 32 bytes, so that damage shows.
struct CallersSnapshots: ~Copyable {
    let isAvailable: Bool
    private let snapshots: scep_snapshots
    private var size = 0
    private var nextSize = 0
    private var left = 0
    private var hash = Hash(.sha256)

    /// - Parameter snapshots: nil: there are none, and nothing of this is used.
    init(_ snapshots: UnsafePointer<scep_snapshots>?) {
        isAvailable = snapshots != nil
        self.snapshots = snapshots?.pointee ?? scep_snapshots()
    }

    /// What of them is missing; nil if they can be used.
    static func mistake(_ snapshots: UnsafePointer<scep_snapshots>) -> StaticString? {
        let value = snapshots.pointee
        guard value.open != nil, value.read != nil, value.begin != nil, value.append != nil, value.commit != nil else {
            return "usage: snapshots have open, read, begin, append and commit"
        }
        return nil
    }

    private static var digestSize: Int { 32 }

    mutating func open() throws(StorageError) -> Int? {
        size = 0
        var found = 0
        guard snapshots.open(snapshots.context, &found) == 0 else { throw .failed }
        guard found != 0 else { return nil }
        guard Self.digestSize...(Instance.Client.snapshotCapacity &+ Self.digestSize) ~= found else { throw .corrupt }
        size = found &- Self.digestSize
        var hash = Hash(.sha256)
        var chunk = InlineArray<64, UInt8>(repeating: 0)
        var buffer = chunk.mutableSpan
        // It can be a private key.
        defer { wipe(&buffer) }
        var done = 0
        while done < size {
            var part = buffer._mutatingExtracting(first: min(buffer.count, size &- done))
            try transfer(at: done, into: &part)
            hash.update(part.span)
            done &+= part.count
        }
        var digest = buffer._mutatingExtracting(first: Self.digestSize)
        try transfer(at: size, into: &digest)
        guard Digest(.sha256, bytes: digest.span) == hash.finish() else {
            size = 0
            throw .corrupt
        }
        return size
    }

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard offset >= 0, offset <= size, buffer.count <= size &- offset else { throw .outOfRange }
        try transfer(at: offset, into: &buffer)
    }

    private func transfer(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        let status = buffer.withUnsafeMutableBufferPointer { bytes in
            snapshots.read(snapshots.context, offset, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .failed }
    }

    mutating func begin(size: Int) throws(StorageError) {
        guard size <= Instance.Client.snapshotCapacity else { throw .full }
        guard snapshots.begin(snapshots.context, size &+ Self.digestSize) == 0 else { throw .failed }
        (nextSize, left) = (size, size)
        hash = Hash(.sha256)
    }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        guard bytes.count <= left else { throw .outOfRange }
        try write(bytes)
        hash.update(bytes)
        left &-= bytes.count
    }

    private func write(_ bytes: Span<UInt8>) throws(StorageError) {
        let status = bytes.withUnsafeBufferPointer { bytes in
            snapshots.append(snapshots.context, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .failed }
    }

    mutating func commit() throws(StorageError) {
        guard left == 0 else { throw .outOfRange }
        try write(hash.finish().bytes)
        guard snapshots.commit(snapshots.context) == 0 else { throw .failed }
        size = nextSize
    }
}
