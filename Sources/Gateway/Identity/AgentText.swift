import Agent
import Bytes
import DER
import DeviceCrypto
import Output
import PKIX

/// The agent's configuration, made of what was set; it holds the password, and is wiped.
struct AgentText {
    private(set) var text = Text()
    /// Why the file with the password gave none; nil if it did, or none is set.
    private(set) var passwordFailure: Failure?
    /// Where each option's value stands.
    private var parts: [(option: Option, range: Range<Int>)] = []

    init(_ settings: Settings) throws(Failure) {
        for option in Option.allCases where option.isAgents {
            guard let value = settings[option] else { continue }
            guard !value.contains(UInt8(ascii: "\n")) else { throw settings.refusal(option) }
            append(option, Text(option.description.name), value)
        }
        if settings.isSet(.stay) { append(.stay, Text("stay"), Text("yes")) }
        guard let file = settings[.challengeFile] else { return }
        do throws(Failure) {
            try appendPassword(file)
        } catch {
            // Whether it is needed is found out by whoever knows what is due: a renewal needs none.
            passwordFailure = error
        }
    }

    private mutating func appendPassword(_ file: Text) throws(Failure) {
        var challenge = try InputFile.readSecret(file)
        defer { challenge.wipe() }
        guard !challenge.isEmpty, challenge.count <= 255, !challenge.contains(UInt8(ascii: "\n")) else {
            var message = Text()
            message.append(printable: file.span)
            message.append(": the password has to be one line of 1 to 255 bytes")
            throw Failure(.usage, "bad-challenge", message)
        }
        append(.challengeFile, Text("challenge"), challenge)
    }

    private mutating func append(_ option: Option, _ name: Text, _ value: Text) {
        // Moved to a larger place, a secret would be left in the smaller one.
        text.reserveCapacity(16_384)
        text.append(name)
        text.append("=")
        parts.append((option, text.count..<(text.count + value.count)))
        text.append(value)
        text.append("\n")
    }

    mutating func wipe() { text.wipe() }

    /// Why the agent's configuration cannot be made of it; nil if it can.
    func refusal(_ settings: Settings) -> Failure? {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        var buffer = bytes.mutableSpan
        do throws(ConfigurationError) {
            _ = try Configuration(text.span)
        } catch {
            return failure(error, settings)
        }
        for option in [Option.subject, .san, .keyUsage, .extendedKeyUsage, .template] {
            guard let value = settings[option] else { continue }
            do throws(DERError) {
                try Self.request(option, value.span).check(in: &buffer)
            } catch {
                let reason = error.kind.textFault.map { Text($0, at: error.offset, in: value, of: option) }
                return settings.refusal(option, reason ?? Text(": it is too long"))
            }
        }
        return nil
    }

    /// A request for nothing but what an option says.
    @_lifetime(copy value)
    private static func request(_ option: Option, _ value: Span<UInt8>) -> CertificationRequest {
        var request = CertificationRequest(subject: option == .subject ? value : value.extracting(first: 0))
        switch option {
        case .san: request.subjectAltName = value
        case .keyUsage: request.keyUsage = value
        case .extendedKeyUsage: request.extendedKeyUsage = value
        case .template: request.certificateTemplate = value
        default: break
        }
        return request
    }

    private func failure(_ error: ConfigurationError, _ settings: Settings) -> Failure {
        for part in parts where part.range.lowerBound <= error.offset && error.offset <= part.range.upperBound {
            return settings.refusal(part.option)
        }
        for option in [Option.url, .fingerprint, .subject] where settings[option] == nil {
            do throws(Failure) {
                _ = try settings.required(option)
            } catch {
                return error
            }
        }
        return Failure(.internal, "configuration", "the options could not be used; report this")
    }
}
