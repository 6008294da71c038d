import Authority

/// What a CA is told; the device's configuration has the same name.
typealias AuthorityConfiguration = Configuration
