import LibCrypto
import Synchronization

/// Keys that never leave it: signing and decrypting are all that it does with them. It stands for a secure element, of
/// which a device knows no more than the number of a slot.
///
/// What it once worked out it gives again, so that many thousand runs of the same device cost little, and an ECDSA
/// signature is the same each time. Each key is made when it is first asked for.
public final class Token: Sendable {
    /// One key.
    public struct Slot: Hashable, Sendable {
        public let kind: KeyKind
        public let number: UInt8
    }

    private enum Question: Hashable {
        case sign(Slot, Digest, [UInt8])
        case decrypt(Slot, Digest?, [UInt8])
    }

    private struct Memory {
        var keys: [Slot: Key] = [:]
        /// Nil: not a ciphertext for that key.
        var answers: [Question: [UInt8]?] = [:]
    }

    private struct Key {
        let key: PrivateKey
        let publicKey: PublicKey
        let bareBytes: [UInt8]
    }

    /// What was worked out is forgotten when there is more.
    private static let limit = 20_000
    private let memory = Mutex(Memory())

    public init() {}

    /// SubjectPublicKeyInfo, DER.
    public func publicKey(of slot: Slot) throws -> [UInt8] { try key(slot).publicKey.der }

    /// RSA: the modulus. EC: the point.
    func bareBytes(of slot: Slot) throws -> [UInt8] { try key(slot).bareBytes }

    func sign(_ digest: [UInt8], of algorithm: Digest, with slot: Slot) throws -> [UInt8] {
        let signature = try recall(.sign(slot, algorithm, digest)) { key in try key.sign(digest, of: algorithm) }
        return signature ?? []
    }

    func decrypt(_ ciphertext: [UInt8], oaep label: Digest?, with slot: Slot) throws -> [UInt8]? {
        try recall(.decrypt(slot, label, ciphertext)) { key in try key.decrypt(ciphertext, oaep: label) }
    }

    /// The private key in PEM: for a test that looks for its parts where they must not be.
    public func privateKey(of slot: Slot) throws -> [UInt8] { try key(slot).key.pem() }

    private func key(_ slot: Slot) throws -> Key {
        try memory.withLock { memory in
            if let known = memory.keys[slot] { return known }
            let key = try PrivateKey.generate(slot.kind)
            let publicKey = try key.publicKey()
            let made = Key(key: key, publicKey: publicKey, bareBytes: try publicKey.bareBytes())
            memory.keys[slot] = made
            return made
        }
    }

    private func recall(_ question: Question, _ work: (PrivateKey) throws -> [UInt8]?) throws -> [UInt8]? {
        if let known = memory.withLock({ $0.answers[question] }) { return known }
        let slot =
            switch question {
            case .sign(let slot, _, _), .decrypt(let slot, _, _): slot
            }
        let answer = try work(key(slot).key)
        return memory.withLock { memory in
            if memory.answers.count >= Self.limit { memory.answers.removeAll() }
            // Two may have signed at once: the first counts for both.
            if let first = memory.answers[question] { return first }
            memory.answers[question] = answer
            return answer
        }
    }
}

/// A token as one device has it: it counts the slots that are taken, and keeps count without power.
public final class Inserted: Sendable {
    let token: Token
    private let count: Mutex<UInt8>

    init(_ token: Token, slotsTaken: UInt8) {
        self.token = token
        count = Mutex(slotsTaken)
    }

    var slotsTaken: UInt8 { count.withLock { $0 } }

    /// A slot that was never used.
    func take(_ kind: KeyKind) -> Token.Slot? {
        count.withLock { count in
            guard count < .max else { return nil }
            count += 1
            return Token.Slot(kind: kind, number: count)
        }
    }
}
