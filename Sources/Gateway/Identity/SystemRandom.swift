import Agent
import DeviceCrypto
import LinuxBoard

/// A generator that the kernel's has seeded.
func makeRandom() throws(Failure) -> RandomGenerator {
    var random = RandomGenerator()
    var entropy = SystemEntropy()
    do throws(AgentError) {
        try seed(&random, from: &entropy, personalization: Span())
    } catch {
        throw Failure(error, Span())
    }
    return random
}
