import DeviceCrypto

/// A generator that gives the same bytes in every run.
public func seededRandom(_ byte: UInt8 = 0x5A) throws(CryptoError) -> RandomGenerator {
    var random = RandomGenerator()
    let seed = [UInt8](repeating: byte, count: 48)
    try random.seed(seed.span, personalization: Span())
    return random
}
