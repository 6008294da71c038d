/// Tells all keys where they come from, and how they are kept.
func setUpKeys(_ settings: Settings) {
    var keys = KeySettings()
    keys.passphraseFile = settings[.keyPassphraseFile] ?? []
    keys.existingKeyFile = settings[.existingKey] ?? []
    unsafe GatewayKey.provider.settings = keys
}
