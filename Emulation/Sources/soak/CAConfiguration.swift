import Authority

/// What a CA is told; commands have a configuration, too.
typealias CAConfiguration = Configuration
