import Agent
import DeviceCrypto
import LinuxBoard
import Output

/// A generator that the kernel's has seeded. The caller wipes it.
func systemRandom() throws(AgentError) -> RandomGenerator {
    var random = RandomGenerator()
    var entropy = SystemEntropy()
    try seed(&random, from: &entropy, personalization: Span())
    return random
}

/// As ``systemRandom()``, for commands.
func makeRandom() throws(Failure) -> RandomGenerator {
    do throws(AgentError) {
        return try systemRandom()
    } catch {
        throw Failure(error, Span())
    }
}
