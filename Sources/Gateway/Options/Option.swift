import Output

/// Everything that can be set, on the command line as `--name value` and, but for a few, in the configuration file as
/// `name = value`.
enum Option: UInt8, CaseIterable {
    // What goes to the agent as it is: see ``Agent/Configuration``.
    case url, message, fingerprint, subject, san, keyUsage, extendedKeyUsage, template, key, challengeUse, allow
    case renew, jitter, renewalKey, renewalType, check, checkInterval
    case poll, pollCap, polls, retry, retryCap, retries, timeout
    // What the program itself makes use of.
    case directory, challengeFile, existingKey, keyPassphraseFile, hook, hookTimeout
    case tlsCA, tlsPin, tlsIdentity, proxy, proxyPasswordFile
    case pkcs11Module, pkcs11Token, pkcs11Label, pkcs11PINFile
    case json, verbose, quiet, color
    // What belongs on the command line alone.
    case config, stay, again, output, minDays, request, caFile, showChallenge, help

    struct Description {
        let name: StaticString
        /// The letter of the short option; 0 for none.
        let letter: UInt8
        /// What stands for the value; nil for an option that is set or not (in the configuration: `yes` or `no`).
        let value: StaticString?
        let commands: Commands
        let help: StaticString
        /// What it is when it is not set.
        let standard: StaticString?
    }

    /// Whether the agent's configuration takes it as it is.
    var isAgents: Bool { rawValue <= Option.timeout.rawValue }
    var isInConfiguration: Bool { rawValue < Option.config.rawValue }

    var description: Description {
        switch self {
        case .url:
            Description("url", "u", "URL", .online, "of the CA's SCEP service: http://ca.example/scep, or https")
        case .message:
            Description("message", "i", "TEXT", .online, "the CA's identifier, where one server has several CAs")
        case .fingerprint:
            Description(
                "fingerprint", "F", "HEX", .online.union(Commands([.inspect])),
                "SHA-256 or SHA-512 of the CA's certificate; several separated by commas")
        case .subject:
            Description(
                "subject", "s", "NAME", .requesting,
                "the subject to ask for, as RFC 4514 has it: CN=gateway 7,O=Example,C=DE")
        case .san:
            Description(
                "san", nil, "NAMES", .requesting,
                """
                subjectAltName: DNS:...,IP:...,URI:...,email:...,RID:...,otherName:OID;UTF8:...; a comma in a value is \\, and \
                a backslash \\\\
                """)
        case .keyUsage:
            Description(
                "key-usage", nil, "WORDS", .requesting,
                """
                of digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, cRLSign, \
                encipherOnly, decipherOnly; several separated by commas
                """)
        case .extendedKeyUsage:
            Description(
                "extended-key-usage", nil, "WORDS", .requesting,
                """
                of serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning and dotted identifiers; \
                several separated by commas
                """)
        case .template:
            Description(
                "template", nil, "NAME", .requesting, "Microsoft's certificate template: a name or an identifier")
        case .key:
            Description(
                "key", "k", "KIND", .requesting.union(Commands([.ca])),
                "rsa2048, rsa3072, rsa4096, p256 or p384", standard: "rsa2048")
        case .challengeUse:
            Description(
                "challenge-use", nil, "WORD", .identity,
                "once: the password goes into one transaction; always: it is a shared secret", standard: "once")
        case .allow:
            Description(
                "allow", nil, "WORDS", .online.union(Commands([.inspect])),
                """
                leniencies: sha1, 3des, des (and 3des with it), unmarked-ra, ca-without-key-usage, \
                password-encryption, no-renewal
                """)
        case .renew:
            Description(
                "renew", nil, "PERCENT", .identity, "of the lifetime after which to renew: 1 to 99",
                standard: "two thirds")
        case .jitter:
            Description(
                "jitter", nil, "PERCENT", .identity, "of the lifetime by which to renew later, by chance: 0 to 50",
                standard: "5")
        case .renewalKey:
            Description("renewal-key", nil, "WORD", .identity, "new: a new key for each renewal; same", standard: "new")
        case .renewalType:
            Description(
                "renewal-type", nil, "WORD", .identity, "messageType of renewals: auto, 17 or 19", standard: "auto")
        case .check:
            Description("check", nil, "WORDS", Commands([.agent]), "what else to ask: crl, certificate")
        case .checkInterval:
            Description(
                "check-interval", nil, "SECONDS", Commands([.agent]),
                "between looks at the CA, for an agent that stays: 60 to 2592000", standard: "86400")
        case .poll:
            Description(
                "poll", nil, "SECONDS", Commands([.agent]),
                "to the first question for a pending certificate, doubled each time: 1 to 86400", standard: "60")
        case .pollCap:
            Description(
                "poll-cap", nil, "SECONDS", Commands([.agent]), "the longest of these waits: 1 to 604800",
                standard: "3600")
        case .polls:
            Description(
                "polls", nil, "NUMBER", Commands([.agent]), "how often to ask before giving up: 1 to 100000",
                standard: "10000")
        case .retry:
            Description(
                "retry", nil, "SECONDS", Commands([.agent]),
                "to the first retry after a failure that may pass, doubled each time: 1 to 86400", standard: "10")
        case .retryCap:
            Description(
                "retry-cap", nil, "SECONDS", Commands([.agent]), "the longest of these waits: 1 to 604800",
                standard: "3600")
        case .retries:
            Description(
                "retries", nil, "NUMBER", Commands([.agent]),
                "how often an agent that stays retries before giving up; one pass does not wait, and the next one tries again: 0 to 100000",
                standard: "5")
        case .timeout:
            Description("timeout", "t", "SECONDS", .online, "for one exchange with the CA: 1 to 600", standard: "90")
        case .stay:
            Description(
                "stay", nil, nil, Commands([.agent]), "stay and sleep until something is due; without it: one pass")
        case .directory:
            Description(
                "directory", "d", "FOLDER", .identity, "where key, certificates and state are kept",
                standard: "/var/lib/scep")
        case .challengeFile:
            Description(
                "challenge-file", "c", "FILE", .identity.union(Commands([.inspect])),
                "holds the challengePassword; - is standard input")
        case .existingKey:
            Description(
                "existing-key", nil, "FILE", .requesting.union(Commands([.inspect])),
                "a private key in PEM or DER to enrol with, or to inspect with, in place of a new one; token: the one on the token"
            )
        case .keyPassphraseFile:
            Description(
                "key-passphrase-file", nil, "FILE", .identity.union(Commands([.inspect])),
                "holds the passphrase that private keys are encrypted with; - is standard input")
        case .hook:
            Description(
                "hook", nil, "PROGRAM", .identity, "is run after each change, with the event in its environment")
        case .hookTimeout:
            Description(
                "hook-timeout", nil, "SECONDS", .identity, "after which the hook is ended: 1 to 3600", standard: "60")
        case .tlsCA:
            Description(
                "tls-ca", nil, "FILE", .online, "certificates in PEM that an https server is verified with",
                standard: "/etc/ssl/certs/ca-certificates.crt")
        case .tlsPin:
            Description(
                "tls-pin", nil, "HEX", .online, "SHA-256 of the https server's certificate; several separated by commas"
            )
        case .tlsIdentity:
            Description(
                "tls-identity", nil, nil, .identity, "show an https server the current certificate, once there is one")
        case .proxy:
            Description("proxy", "p", "URL", .online, "of an HTTP proxy: http://proxy.example:3128")
        case .proxyPasswordFile:
            Description(
                "proxy-password-file", nil, "FILE", .online, "holds user:password for the proxy; - is standard input")
        case .pkcs11Module:
            Description(
                "pkcs11-module", nil, "FILE", .identity, "a PKCS#11 module: keys are made and stay in its token")
        case .pkcs11Token:
            Description("pkcs11-token", nil, "LABEL", .identity, "of the token")
        case .pkcs11Label:
            Description("pkcs11-label", nil, "LABEL", .identity, "of the keys in the token", standard: "scep")
        case .pkcs11PINFile:
            Description(
                "pkcs11-pin-file", nil, "FILE", .identity, "holds the token's user PIN; - is standard input")
        case .json: Description("json", "j", nil, .all, "write the outcome as JSON")
        case .verbose: Description("verbose", "v", nil, .all, "on a terminal, show event lines, too")
        case .quiet: Description("quiet", "q", nil, .all, "say nothing of progress")
        case .color:
            Description(
                "color", nil, "WHEN", .all, "auto, always or never; auto heeds NO_COLOR", standard: "auto")
        case .config:
            Description(
                "config", "f", "FILE", .all, "the configuration", standard: "/etc/scep/scep.conf, if it is there")
        case .again:
            Description(
                "again", nil, nil, Commands([.enroll]),
                "enrol anew, though there is a certificate or a request under way; the password goes into the new one")
        case .output:
            Description(
                "output", "o", "FILE", Commands([.ca, .cert, .crl, .nextCA]),
                "save what came, in PEM; - is standard output")
        case .minDays:
            Description(
                "min-days", nil, "DAYS", Commands([.status]),
                "for monitoring: exit code 3 if the certificate expires sooner: 0 to 10000")
        case .request:
            Description("request", nil, "FILE", Commands([.inspect]), "the request that a reply has to answer")
        case .caFile:
            Description("ca-file", nil, "FILE", Commands([.inspect]), "certificates of the CA to verify with")
        case .showChallenge:
            Description("show-challenge", nil, nil, Commands([.inspect]), "show the challengePassword in a request")
        case .help: Description("help", "h", nil, .all, "say this, and end")
        }
    }

    init?(_ word: Text) {
        for option in Option.allCases where word.equals(option.description.name) {
            self = option
            return
        }
        return nil
    }

    init?(letter: UInt8) {
        for option in Option.allCases where letter != 0 && letter == option.description.letter {
            self = option
            return
        }
        return nil
    }
}

extension Option.Description {
    fileprivate init(
        _ name: StaticString, _ letter: Unicode.Scalar?, _ value: StaticString?, _ commands: Commands,
        _ help: StaticString, standard: StaticString? = nil
    ) {
        self.name = name
        self.letter = letter.map { UInt8(ascii: $0) } ?? 0
        self.value = value
        self.commands = commands
        self.help = help
        self.standard = standard
    }
}
