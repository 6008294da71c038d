/// The lines of a C file that the preprocessor takes out where tests run: what is for another line of mbedTLS, or for a
/// small board.
enum CBranches {
    /// Conditions, and whether they hold there; of any other, all branches count.
    private static let conditions = [
        "if MBEDTLS_VERSION_NUMBER < 0x03000000": true,
        "if CMBEDTLS_SSL_IDENTITY": true,
        "if defined(MBEDTLS_PEM_PARSE_C)": true,
        "if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)": false,
        "if defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH) && RECORD_SIZE < 16384": false,
        "ifndef CMBEDTLS_NO_EC": true,
    ]

    /// - Returns: their numbers, from 1.
    static func unbuilt(_ lines: [Substring]) -> Set<Int> {
        var unbuilt: Set<Int> = []
        // Of each branch that is open: whether its condition holds.
        var open: [Bool?] = []
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("#if") {
                open.append(conditions[String(line.dropFirst())])
            } else if line.hasPrefix("#else"), let last = open.popLast() {
                open.append(last.map { !$0 })
            } else if line.hasPrefix("#elif"), let last = open.popLast() {
                open.append(last == true ? false : nil)
            } else if line.hasPrefix("#endif") {
                _ = open.popLast()
            } else if open.contains(false) {
                unbuilt.insert(index + 1)
            }
        }
        return unbuilt
    }
}
