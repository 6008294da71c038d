import Output

extension KeySettings {
    /// What was set. Files with secrets are read here, before the program becomes another user.
    init(_ settings: Settings) throws(Failure) {
        self.init()
        if let file = settings[.keyPassphraseFile] { passphrase = try InputFile.readSecret(file) }
        let existing = settings[.existingKey]
        if let module = settings[.pkcs11Module] {
            var token = TokenSettings()
            token.module = module
            token.label = try settings.required(.pkcs11Token)
            token.keyLabel = settings[.pkcs11Label] ?? Text("scep")
            token.pin = try InputFile.readSecret(settings.required(.pkcs11PINFile))
            token.folder = settings[.directory] ?? Text("/var/lib/scep")
            if let existing {
                guard existing.equals("token") else { throw settings.refusal(.existingKey) }
                token.existingLabel = token.keyLabel
            }
            self.token = token
            return
        }
        let moduleMissing = Text(" without pkcs11-module, which names the token's module")
        for option in [Option.pkcs11Token, .pkcs11Label, .pkcs11PINFile] where settings[option] != nil {
            throw settings.refusal(option, moduleMissing)
        }
        if let existing {
            guard !existing.equals("token") else { throw settings.refusal(.existingKey, moduleMissing) }
            do throws(Failure) {
                existingKey = try InputFile.readSecretFile(existing)
            } catch {
                // Where it has served already, nobody misses it.
                existingKeyFailure = error
            }
        }
    }
}
