/// What the client says of itself now and then.
struct ResourceUsage: LosslessStringConvertible {
    /// Certificates that it got up to now.
    var certificates = 0
    /// Runs of the agent.
    var tries = 0
    /// Resident memory.
    var kilobytes = 0
    /// Open file descriptors.
    var descriptors = 0

    init() {}

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 5, words[0] == "client:" else { return nil }
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard numbers.count == 4 else { return nil }
        (certificates, tries, kilobytes, descriptors) = (numbers[0], numbers[1], numbers[2], numbers[3])
    }

    var description: String { "client: \(certificates) \(tries) \(kilobytes) \(descriptors)" }
}
