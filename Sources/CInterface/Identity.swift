// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import Bytes
import CSCEP
import DeviceCrypto

@c @implementation
public func scep_certificate(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ certificate: UnsafeMutablePointer<UInt8>?,
    _ size: UnsafeMutablePointer<Int>?
) -> scep_status { copy(.certificate, agent, certificate, size) }

@c @implementation
public func scep_chain(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ certificates: UnsafeMutablePointer<UInt8>?,
    _ size: UnsafeMutablePointer<Int>?
) -> scep_status { copy(.caCertificates, agent, certificates, size) }

/// Of an identity that there is.
private func copy(
    _ record: StoredRecord, _ agent: UnsafeMutablePointer<scep_agent>?, _ bytes: UnsafeMutablePointer<UInt8>?,
    _ size: UnsafeMutablePointer<Int>?
) -> scep_status {
    guard let instance = Instance.enter(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let size, let bytes else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: the buffer or its size is NULL")
    }
    let capacity = size.pointee
    size.pointee = 0
    do throws(StorageError) {
        try instance.pointee.store.open()
        guard instance.pointee.store.size(of: .certificate) != nil,
            let count = instance.pointee.store.size(of: record)
        else { return instance.pointee.refuse(SCEP_NONE, "none: there is no certificate yet") }
        size.pointee = count
        guard count <= capacity else {
            return instance.pointee.refuse(SCEP_TOO_SMALL, "too-small: the certificates do not fit")
        }
        var buffer = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: capacity))
        _ = try instance.pointee.store.read(record, into: &buffer)
    } catch {
        return instance.pointee.fail(.storage(error))
    }
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_sign(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ algorithm: scep_digest, _ digest: UnsafePointer<UInt8>?,
    _ digestSize: Int, _ signature: UnsafeMutablePointer<UInt8>?, _ signatureSize: UnsafeMutablePointer<Int>?
) -> scep_status {
    guard let instance = Instance.enter(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let digest, let signature, let size = signatureSize,
        let kind = DigestAlgorithm(algorithm),
        let value = Digest(kind, bytes: Span(_unsafeStart: digest, count: max(digestSize, 0)))
    else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: a buffer is NULL, or the digest has another size")
    }
    let space = UnsafeMutableBufferPointer(start: signature, count: max(size.pointee, 0))
    size.pointee = 0
    do throws(AgentError) {
        var buffer = MutableSpan(_unsafeElements: space)
        guard let count = try instance.pointee.sign(value, into: &buffer) else {
            return instance.pointee.refuse(SCEP_NONE, "none: there is no certificate yet")
        }
        size.pointee = count
    } catch .key(.bufferTooSmall) {
        return instance.pointee.refuse(SCEP_TOO_SMALL, "too-small: the signature does not fit")
    } catch {
        return instance.pointee.fail(error)
    }
    return scep_status(SCEP_OK)
}

extension Instance {
    /// - Returns: nil if there is no identity.
    fileprivate mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>
    ) throws(AgentError) -> Int? {
        do throws(StorageError) {
            try store.open()
        } catch {
            throw .storage(error)
        }
        guard store.size(of: .certificate) != nil else { return nil }
        // Neither the agent's key nor the work buffer: a message may be under way.
        var key = PlatformKey(context: platform.keys)
        defer { key.wipe() }
        var bytes = InlineArray<1_024, UInt8>(repeating: 0)
        var buffer = bytes.mutableSpan
        defer { wipe(&buffer) }
        let size: Int?
        do throws(StorageError) {
            size = try store.read(.privateKey, into: &buffer)
        } catch {
            throw .storage(error)
        }
        guard let size else { return nil }
        do throws(CryptoError) {
            try key.load(buffer.span.extracting(first: size))
            return try key.sign(digest, into: &signature, random: &random)
        } catch {
            throw .key(error)
        }
    }
}

@c @implementation
public func scep_next(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ next: UnsafeMutablePointer<scep_next_action>?
) -> scep_status {
    guard let instance = Instance.enter(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let next else { return instance.pointee.refuse(SCEP_USAGE, "usage: next is NULL") }
    var value = scep_next_action()
    guard let known = try? instance.pointee.next() else { return scep_status(SCEP_CONFIGURATION) }
    value.seconds = Int64(bitPattern: widened(UInt32(truncatingIfNeeded: known.seconds ?? 0)))
    value.time = known.time ?? 0
    value.action =
        switch known {
        case .nothing: SCEP_NEXT_NOTHING
        case .poll: SCEP_NEXT_POLL
        case .retry: SCEP_NEXT_RETRY
        case .renew: SCEP_NEXT_RENEW
        case .nextCA: SCEP_NEXT_CA
        case .takeOver: SCEP_NEXT_TAKE_OVER
        }
    next.pointee = value
    return scep_status(SCEP_OK)
}
