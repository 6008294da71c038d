import CLinux

/// What the exit code of the program says; scep(1) lists them.
package enum ExitCode: Int32 {
    case done = 0
    /// The command line or the configuration.
    case usage
    case network
    /// Somebody is not who they should be, or something is too weak to be trusted.
    case trust
    /// The CA said no.
    case refused
    /// The CA leaves it to a person, or there is no certificate yet.
    case pending
    /// Files, keys, tokens.
    case storage
    case `internal`
    /// The certificate is there; the hook program failed.
    case hook
}

/// Why a command could not do what it was asked to.
package struct Failure: Error {
    package let exit: ExitCode
    /// What programs act upon: words joined by `-`.
    package let kind: Text
    /// A sentence: what happened, and what to do. Of the far side's words it has what is printable.
    package let message: Text

    package init(_ exit: ExitCode, _ kind: StaticString, _ message: Text) {
        self.exit = exit
        self.kind = Text(kind)
        self.message = message
    }

    package init(_ exit: ExitCode, _ kind: StaticString, _ message: StaticString) {
        self.init(exit, kind, Text(message))
    }

    package init(_ exit: ExitCode, kind: Text, message: Text) {
        self.exit = exit
        self.kind = kind
        self.message = message
    }

    /// - Parameters:
    ///   - path: what could not be used.
    ///   - error: errno.
    package init(
        _ exit: ExitCode = .storage, _ kind: StaticString = "file-failed", path: Text, _ what: StaticString,
        error: Int32
    ) {
        var message = Text()
        message.append(printable: path.span)
        message.append(": ")
        message.append(what)
        message.append(": ")
        message.append(systemMessage(error))
        self.init(exit, error == ENOSPC || error == EDQUOT ? "disk-full" : kind, message)
    }
}
