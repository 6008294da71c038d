import Authority
import LibCrypto
import TestSupport
import Testing

@Suite struct HostileTests {
    /// Bytes changed, left out and doubled: each message gets an answer, and a certificate only when what is signed is
    /// whole. A few lie outside of that, as the version and the SET of digests do.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func corruptedMessagesAreSurvived(_ seed: UInt64) throws {
        let authority = try makeAuthority()
        let client = try Client()
        let message = try client.message(
            .pkcsReq, client.request(challenge: "word"), transactionID: "hostile", for: authority.recipient)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            var corrupted = message
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<corrupted.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: corrupted[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: corrupted[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: corrupted.removeSubrange(place..<min(place + 5, corrupted.count - 1))
                default: corrupted.insert(contentsOf: corrupted[place...].prefix(5), at: place)
                }
            }
            let answer = authority.answer(Request(method: "POST", body: corrupted))
            #expect([200, 400].contains(answer.status), "seed \(seed)")
            guard answer.status == 200 else { continue }
            let reply = try Reply(answer.body)
            guard reply.status == .success else { continue }
            #expect(reply.transactionID == "hostile", "seed \(seed)")
            let certificate = try reply.certificates(for: client).first
            #expect(try certificate?.publicKey == client.key.publicKey(), "seed \(seed)")
            #expect(certificate?.subject == client.subject, "seed \(seed)")
        }
    }

    /// What is inside is corrupted before it is encrypted and signed, so that it gets past the signature.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func corruptedContentsAreSurvived(_ seed: UInt64) throws {
        let authority = try makeAuthority()
        let client = try Client()
        var generator = SeededGenerator(seed: seed)
        let names = IssuerAndSubject(issuer: authority.trustAnchor.subject, subject: client.subject)
        let number = IssuerAndSerialNumber(issuer: authority.trustAnchor.subject, serial: [1, 2, 3])
        let contents: [(type: CAMessageType, content: [UInt8])] = [
            (
                .pkcsReq,
                try client.request(
                    challenge: "word", extensions: [ExtensionText("subjectAltName", "DNS:device.example")])
            ), (.certPoll, try names.der()), (.getCert, try number.der()), (.getCRL, try number.der()),
        ]
        for index in 0..<60 {
            var (type, content) = contents[index % contents.count]
            content[Int.random(in: 0..<content.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            let message = try client.message(type, content, transactionID: "\(index)", for: authority.recipient)
            let answer = authority.answer(Request(method: "POST", body: message))
            #expect(answer.status == 200, "seed \(seed): \(String(decoding: answer.body, as: UTF8.self))")
        }
    }
}
