import Output

/// Where the gateway's keys come from, and how they are kept.
struct KeySettings {
    /// What keys are encrypted with; empty: they stand in the clear in the store, whose folder nobody else may enter.
    var passphrase: [UInt8] = []
    /// A file with a key that is taken in place of a new one; nil: none. Set it for a first enrolment only, and not
    /// together with a token.
    var existingKey: [UInt8]?
    /// Why that file could not be read; nil if it was, or none is set.
    var existingKeyFailure: Failure?
    /// Rounds of PBKDF2 for what is written: what guessing at the passphrase costs.
    var iterations = 100_000

    /// Where keys are made and kept in place of memory and store.
    var token: TokenSettings?

    init() {}

    /// Fails if the existing key is to be taken and could not be read.
    func needExistingKey() throws(Failure) {
        if let existingKeyFailure { throw existingKeyFailure }
    }

    /// Has new keys made from now on.
    mutating func forgetExistingKey() {
        existingKey?.wipe()
        existingKey = nil
        existingKeyFailure = nil
        token?.existingLabel = []
    }

    /// Sets all secrets to 0.
    mutating func wipe() {
        passphrase.wipe()
        existingKey?.wipe()
        token?.pin.wipe()
    }
}

/// A token that is reached through PKCS #11.
struct TokenSettings {
    /// Path of the module, a shared library.
    var module: [UInt8] = []
    /// CKA_LABEL of the token, without the blanks at its end; 1 to 32 bytes.
    var label: [UInt8] = []
    /// CKA_LABEL of the keys that are made.
    var keyLabel: [UInt8] = []
    /// CKA_LABEL of a key that is taken in place of a new one; empty: none. Set it for a first enrolment only.
    var existingLabel: [UInt8] = []
    /// The user's PIN.
    var pin: [UInt8] = []
    /// Path of the folder of the store, where it is remembered which PIN was refused.
    var folder: [UInt8] = []
    /// Path of the folder with the number of the keys' owner (``KeyMark``); nil: `store` in ``folder``.
    var ownerFolder: [UInt8]?

    init() {}
}
