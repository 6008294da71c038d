import Agent
import DER
import HTTP
import PKIX

/// A device's configuration. Whatever is taken is of use, and a request made from it says so or is refused.
func readConfiguration(_ input: [UInt8]) {
    guard let configuration = try? Configuration(input.span) else { return }
    require((try? ServerURL(configuration.url)) != nil, "a URL that was taken can be asked")
    require(0...99 ~= configuration.renewalPercent && 0...50 ~= configuration.jitterPercent, "percents are in range")
    var request = CertificationRequest(subject: configuration.subject)
    request.challengePassword = configuration.challenge
    request.subjectAltName = configuration.subjectAltName
    request.keyUsage = configuration.keyUsage
    request.extendedKeyUsage = configuration.extendedKeyUsage
    request.certificateTemplate = configuration.template
    var buffer = [UInt8](repeating: 0, count: 4096)
    let front: Int
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: 4096)
        var key = SmoothKey(2)
        var random = seededRandom()
        guard (try? request.write(to: &writer, key: &key, digest: .sha256, random: &random)) != nil else { return }
        front = writer.front
    }
    var reader = DERReader(buffer.span, in: front..<4096)
    require((try? reader.read(.sequence)) != nil && reader.isAtEnd, "a request is one SEQUENCE")
}
