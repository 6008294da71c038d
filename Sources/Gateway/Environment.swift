import CLinux
import LinuxBoard
import Output

/// The environment that the program was started in.
enum Environment {
    /// - Returns: nil if it is not there, or empty.
    static func value(_ name: StaticString) -> Text? {
        guard let value = unsafe getenv(cString(name)) else { return nil }
        let words = unsafe text(value)
        return words.isEmpty ? nil : words
    }

    static func isSet(_ name: StaticString) -> Bool { value(name) != nil }

    static func has(_ name: StaticString, _ value: StaticString) -> Bool { self.value(name)?.equals(value) ?? false }
}
