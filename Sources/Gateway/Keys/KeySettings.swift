/// Where the gateway's keys come from, and how they are kept.
public struct KeySettings {
    /// Path of a file whose first line is a passphrase; empty: keys stand in the clear in the store, whose folder nobody
    /// else may enter.
    public var passphraseFile: [UInt8] = []
    /// Path of a file with a key that is taken in place of a new one; empty: none. Set it for a first enrolment only.
    public var existingKeyFile: [UInt8] = []
    /// Rounds of PBKDF2 for what is written: what guessing at the passphrase costs.
    public var iterations = 100_000

    public init() {}
}
