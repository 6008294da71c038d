/// `scep inspect`
func inspect(_ settings: Settings, _ operands: [Text], _ report: inout Report) throws(Failure) {
    guard !operands.isEmpty else { throw Failure(.usage, "no-file", "which file? see: scep inspect --help") }
}
