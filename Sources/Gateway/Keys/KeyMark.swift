import CLinux
import DER
import DeviceCrypto
import LinuxBoard
import PKIX

/// How keys of this gateway's making are told from all others on a token, so that nothing else is ever destroyed: the
/// last 4 bytes of their CKA_ID follow from the first 12, the label, the folder of the store, and the machine. Another
/// gateway that shares the token, or another store on this machine, has another mark.
struct KeyMark {
    private static var randomSize: Int { 12 }
    private static var size: Int { 16 }

    private let owner: [UInt8]

    init(_ settings: TokenSettings) {
        var owner = settings.keyLabel
        owner.append(0)
        owner.append(settings.folder.span)
        owner.append(0)
        owner.append(Self.machine.span)
        self.owner = owner
    }

    /// What is in /etc/machine-id, 32 hexadecimal digits; empty where that is missing.
    private static var machine: [UInt8] {
        guard let file = Descriptor("/etc/machine-id", O_RDONLY) else { return [] }
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: 32)
        var room = bytes.mutableSpan
        return (try? file.read(at: 0, into: &room)) == nil ? [] : bytes
    }

    /// An identifier that no key has had before.
    func newIdentifier(random: inout RandomGenerator) throws(KeyFailure) -> [UInt8] {
        var identifier = [UInt8](repeating: 0, count: Self.randomSize)
        do throws(CryptoError) {
            var room = identifier.mutableSpan
            try random.fill(&room)
        } catch {
            throw .crypto(error)
        }
        identifier.append(mark(identifier.span).span)
        return identifier
    }

    func isOn(_ identifier: [UInt8]) -> Bool {
        guard identifier.count == Self.size else { return false }
        let mark = mark(identifier.span.extracting(first: Self.randomSize))
        return areEqual(mark.span, identifier.span.extracting(Self.randomSize..<Self.size))
    }

    private func mark(_ random: Span<UInt8>) -> [UInt8] {
        var hash = Hash(.sha256)
        hash.update(random)
        hash.update(owner.span)
        let digest = hash.finish()
        return [UInt8](digest.bytes.extracting(first: Self.size &- Self.randomSize))
    }
}
