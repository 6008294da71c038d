/// How far the search for the prime factors of an RSA key is.
struct PrimeSearch: Equatable {
    /// Of the modulus; 0 when nothing is searched.
    var bits = 0
    /// Whether the first prime factor is found.
    private(set) var isSecond = false
    private(set) var isComplete = false
    /// How many tests by Miller and Rabin the candidate passed.
    var passed: UInt8 = 0
    private var parts: UInt16 = 0

    /// Tests that a candidate has to pass: one that is no prime does with a probability below 2^-100 (Damgård, Landrock and
    /// Pomerance, as mbedTLS has it for RSA).
    private var wanted: UInt8 { bits >= 2900 ? 4 : bits >= 2300 ? 5 : 6 }

    /// Whether far more candidates failed than there are to a prime: the generator does not draw what it should.
    var isHopeless: Bool { parts > 20_000 }

    /// Notes a part that is done.
    mutating func note() {
        parts &+= 1
        guard passed >= wanted else { return }
        passed = 0
        isComplete = isSecond
        isSecond = true
    }
}
