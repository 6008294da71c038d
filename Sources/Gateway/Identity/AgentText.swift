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
        guard challenge.count <= 255 else {
            var message = Text()
            message.append(printable: file.span)
            message.append(": the password has more than 255 bytes")
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
        do throws(ConfigurationError) {
            _ = try Configuration(text.span)
        } catch {
            return failure(error, settings)
        }
        for field in RequestField.allCases {
            let option = field.option
            guard let value = settings[option], let fault = field.fault(in: value) else { continue }
            return settings.refusal(option, fault)
        }
        return nil
    }

    private func failure(_ error: ConfigurationError, _ settings: Settings) -> Failure {
        for part in parts where part.range.lowerBound <= error.offset && error.offset <= part.range.upperBound {
            return settings.refusal(part.option)
        }
        for option in [Option.url, .fingerprint, .subject] {
            do throws(Failure) {
                _ = try settings.required(option)
            } catch {
                return error
            }
        }
        return Failure(.internal, "configuration", "the options could not be used; report this")
    }
}

extension RequestField {
    fileprivate var option: Option {
        switch self {
        case .subject: .subject
        case .subjectAltName: .san
        case .keyUsage: .keyUsage
        case .extendedKeyUsage: .extendedKeyUsage
        case .template: .template
        }
    }
}
