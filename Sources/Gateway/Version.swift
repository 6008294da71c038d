import Output

/// The version of the program and of the packages that it comes in.
enum Version {
    static var line: Text { Text("scep 0.5.0 (EmbeddedSCEP)\n") }
}
