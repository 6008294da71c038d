import CLinux

/// The process that the board is.
public enum Process {
    /// Keeps keys and passwords, which stand in memory, out of core files, and keeps a console that nobody reads any
    /// more from ending the process.
    public static func protect() {
        linux_ignore_broken_pipes()
        // A kernel that cannot do the one still does the other.
        _ = linux_forbid_dumping()
        _ = linux_forbid_core_files()
    }
}
