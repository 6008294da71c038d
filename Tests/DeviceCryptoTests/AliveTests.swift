import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// A device feeds its watchdog where ``DeviceCrypto/RandomGenerator/setAlive(_:_:)`` says.
@Suite struct AliveTests {
    private final class Count { var calls = 0 }

    /// Calls while a body runs.
    private func calls(
        _ random: inout RandomGenerator, _ body: (inout RandomGenerator) throws -> Void
    ) rethrows -> Int {
        let count = Count()
        random.setAlive(
            { context in
                guard let context else { return }
                Unmanaged<Count>.fromOpaque(context).takeUnretainedValue().calls += 1
            }, Unmanaged.passUnretained(count).toOpaque())
        try withExtendedLifetime(count) { try body(&random) }
        random.setAlive(nil, nil)
        return count.calls
    }

    /// At least one for the candidate or its test: nothing that takes long is done twice between two calls.
    @Test func everyPartOfAKey() throws {
        var random = try seededRandom()
        var key = RSAPrivateKey()
        var isComplete = false
        while !isComplete {
            let calls = try calls(&random) { random in
                isComplete = try key.generatePart(bits: 2048, random: &random)
            }
            #expect(calls >= 1)
        }
    }

    @Test func everyOperationWithARSAKey() throws {
        var random = try seededRandom()
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let digest = digest(of: message)
        let ciphertext = try file.encrypt([UInt8](repeating: 7, count: 16), [])
        let place = Place(256)
        let signing = try calls(&random) { random in
            try place.use { buffer in _ = try key.sign(digest, into: &buffer, random: &random) }
        }
        let decryption = try calls(&random) { random in
            try place.use { buffer in
                _ = try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
            }
        }
        let content = Place(16)
        let unwrapping = try calls(&random) { random in
            try content.use { buffer in try key.unwrapKey(ciphertext.span, into: &buffer, random: &random) }
        }
        #expect(signing >= 1 && decryption >= 1 && unwrapping >= 1)
    }

    @Test(arguments: [Curve.p256, .p384]) func everyOperationWithAnECKey(_ curve: Curve) throws {
        var random = try seededRandom()
        var key = ECPrivateKey()
        let generation = try calls(&random) { random in try key.generate(curve: curve, random: &random) }
        let place = Place(128)
        let digest = digest(of: message)
        let signing = try calls(&random) { random in
            try place.use { buffer in _ = try key.sign(digest, into: &buffer, random: &random) }
        }
        #expect(generation >= 1 && signing >= 1)
    }

    @Test func itOutlivesAWipe() throws {
        var random = try seededRandom()
        let calls = try calls(&random) { random in
            random.wipe()
            let seed = [UInt8](repeating: 9, count: 48)
            try random.seed(seed.span, personalization: [UInt8]().span)
            var bytes = [UInt8](repeating: 0, count: 16)
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
        }
        #expect(calls >= 1)
    }
}
