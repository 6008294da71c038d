/// Debian's `openssl` program, which checks what we build.
public enum OpenSSL {
    /// Runs `openssl` with `arguments`, feeds it `input`, and returns what it wrote to standard output.
    /// Throws with its standard error when the exit code is not 0, or the signature of a request is wrong, which `req`
    /// of OpenSSL 3.0 says with exit code 0.
    @discardableResult
    public static func run(_ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
        let (output, complaint) = try runProgram("/usr/bin/openssl", arguments, input: input)
        let text = String(decoding: complaint, as: UTF8.self)
        guard !text.contains("self-signature verify failure") else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")): \(text)")
        }
        return output
    }

    public typealias Failure = ProgramFailure

    /// What `openssl asn1parse` prints.
    public static func structure(_ der: [UInt8]) throws -> String {
        String(decoding: try run(["asn1parse", "-inform", "DER"], input: der), as: UTF8.self)
    }
}
