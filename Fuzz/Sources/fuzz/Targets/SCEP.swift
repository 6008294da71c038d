import DER
import DeviceCrypto
import PKIX
import SCEP
import TestSupport

/// Lines are taken one by one, so that two replies behind each other say what both say.
func readCapabilities(_ input: [UInt8]) {
    let found = Capabilities(input.span)
    for split in [0, input.count / 3, input.count / 2, input.count] {
        let (first, second) = (Array(input[..<split]), Array(input[split...]))
        let joined = first + [0x0A] + second
        // A page, or a mark, counts for what is behind it.
        guard !input.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "{") || $0 == 0xEF }) else {
            break
        }
        let union = Capabilities(first.span).union(Capabilities(second.span))
        require(Capabilities(joined.span) == union, "a line says what it says alone")
    }
    for floor in [DigestAlgorithm.sha1, .sha256, .sha512] {
        for cipher in [CipherAlgorithm.desCBC, .aes128CBC, .aes256CBC] {
            var policy = Policy(digestFloor: floor, cipherFloor: cipher)
            guard let algorithms = try? Algorithms(found, &policy) else { continue }
            require(algorithms.digest.rawValue >= floor.rawValue, "no digest is below the floor")
            require(policy.permits(algorithms.cipher), "no cipher is below the floor")
        }
    }
}

/// A certificate that is one of the authority's, one that it signed with parts of the input's making, or none at all.
private func certificate(_ input: inout Input, _ signed: inout [[UInt8]]) -> [UInt8] {
    switch input.number(below: 8) {
    case 0: return Authority.root
    case 1: return Authority.registration
    case 2: return Authority.devices[0]
    case 3: return Authority.devices[1]
    case 4: return input.piece()
    case 5:
        var corrupted = Authority.registration
        input.corrupt(&corrupted)
        return corrupted
    default:
        var parts = CertificateParts()
        let choice = input.byte()
        parts.key = Int(choice & 3)
        // A root of another key, and whom it signs, is nobody's.
        parts.signer = choice & 4 == 0 ? 0 : 1
        parts.subject = choice & 8 == 0 ? parts.subject : Authority.rootName
        parts.issuer = choice & 16 == 0 ? parts.issuer : Authority.name("CN=RA,O=Example")
        parts.digest = choice & 32 == 0 ? .sha256 : .sha1
        parts.extensions = choice & 64 == 0 ? Authority.basicConstraints : Authority.keyUsage
        parts.serialNumber = input.piece(or: parts.serialNumber)
        parts.notBefore = input.piece(or: parts.notBefore)
        parts.notAfter = input.piece(or: parts.notAfter)
        parts.extensions = input.piece(or: parts.extensions)
        let encoding = parts.encoding
        signed.append(encoding)
        return encoding
    }
}

private func moment(_ input: inout Input) -> Moment {
    switch input.number(below: 4) {
    case 0: .exact(1_767_225_600)  // 2026-01-01
    case 1: .unknown
    case 2: .atLeast(1_767_225_600)
    default: .exact(2_051_222_400)  // 2035-01-01
    }
}

private func policy(_ input: inout Input) -> Policy {
    let choice = input.byte()
    return Policy(
        digestFloor: choice & 1 == 0 ? .sha256 : .sha1, cipherFloor: choice & 2 == 0 ? .aes128CBC : .desCBC,
        allowsUnmarkedRA: choice & 4 != 0)
}

/// Only the root, by its fingerprint, and who was signed by a CA are kept.
func acceptCACertificates(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let moment = moment(&input)
    var policy = policy(&input)
    let isRaw = input.byte() & 1 == 1
    var signed = [Authority.root, Authority.registration] + Authority.devices
    var body: [UInt8]
    if isRaw {
        body = input.remainder()
    } else {
        var list: [UInt8] = []
        repeat { list += certificate(&input, &signed) } while !input.isAtEnd && list.count < 16_384
        body = Authority.certificatesOnly(certificates: list)
    }
    guard let fingerprints = Fingerprints(Authority.fingerprint.span) else { return }
    var kept = [UInt8](repeating: 0, count: 8192)
    let count: Int?
    do {
        var work = body.mutableSpan
        var buffer = kept.mutableSpan
        count = try? GetCACert.accept(
            &work, body: 0..<work.count, fingerprints: fingerprints, policy: &policy, moment: moment, into: &buffer
        ).byteCount
    }
    guard let count else { return require(!bytes.isEmpty, "the honest reply is taken") }
    check(Array(kept[..<count]), among: signed)
    require(CACertificates(kept.span.extracting(0..<count)).includes(oneOf: fingerprints), "the pinned one is there")
}

private func check(_ kept: [UInt8], among signed: [[UInt8]]) {
    require(!kept.isEmpty, "something is kept")
    var reader = DERReader(kept.span)
    while !reader.isAtEnd {
        guard let element = try? reader.read() else { return require(false, "what is kept can be read") }
        require(signed.contains(element.encoding.array), "what is kept was signed")
    }
    let certificates = CACertificates(kept.span)
    var policy = Policy()
    _ = try? certificates.encryptionCertificate(canDecrypt: false, policy: &policy)
    _ = try? certificates.issuingCertificate()
}

/// The same for the CA that is to come, whose certificates the current one signs.
func acceptNextCACertificates(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let moment = moment(&input)
    var policy = policy(&input)
    let signer = input.number(below: 3)
    let isRaw = input.byte() & 1 == 1
    var signed = [Authority.root, Authority.registration] + Authority.devices
    var content: [UInt8]
    if isRaw {
        content = input.piece()
    } else {
        var list: [UInt8] = []
        for _ in 0...input.number(below: 8) { list += certificate(&input, &signed) }
        content = Authority.certificatesOnly(certificates: list)
    }
    var body = Authority.signedData(
        content, by: signer, certificate: [Authority.root, Authority.registration, Authority.devices[0]][signer])
    input.corrupt(&body)
    let kept: Range<Int>?
    do {
        var work = body.mutableSpan
        kept = try? GetNextCACert.accept(
            &work, body: 0..<work.count, from: CACertificates(Authority.trusted.span), policy: &policy, moment: moment)
    }
    guard let kept else { return }
    require(signer == 0, "only a CA signs for the next one")
    // A certificate that signed itself is nobody else's; it came in what the CA signed.
    if !isRaw { check(Array(body[kept]), among: signed + selfSigned(in: body[kept], of: content)) }
}

/// Those of the certificates in `kept` that stand in `content` byte for byte.
private func selfSigned(in kept: ArraySlice<UInt8>, of content: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    let bytes = Array(kept)
    var reader = DERReader(bytes.span)
    while !reader.isAtEnd, let element = try? reader.read() {
        let encoding = element.encoding.array
        if content.firstRange(of: encoding) != nil { found.append(encoding) }
    }
    return found
}

/// A reply that a CA signed, parts of which are the input's, and bytes of which are changed afterwards: it counts only if
/// it answers the request, and never for anything but what was signed.
func verifyCertRep(_ bytes: [UInt8]) {
    var input = Input(bytes)
    var policy = policy(&input)
    let honest = CertRepParts(to: CertRepParts.transaction)
    var parts = honest
    let choice = input.byte()
    parts.isByRA = choice & 1 != 0
    parts.digest = choice & 2 == 0 ? .sha256 : choice & 4 == 0 ? .sha1 : .sha512
    parts.messageType = input.piece(or: honest.messageType)
    parts.pkiStatus = input.piece(or: honest.pkiStatus)
    parts.transactionID = input.piece(or: honest.transactionID)
    parts.recipientNonce = input.piece(or: honest.recipientNonce)
    parts.failInfo = input.piece(or: [])
    parts.failInfoText = input.piece(or: [])
    parts.more = input.piece()
    parts.content = input.piece(or: [UInt8]("an envelope"))
    let message = parts.encoding
    guard let (answer, text) = check(message, &policy) else {
        // Whether the honest one is taken depends on no choice but the digest's.
        require(!bytes.isEmpty, "the honest reply is taken")
        return
    }
    require([[UInt8]("3"), [UInt8]("03")].contains(parts.messageType), "it is a CertRep")
    require(parts.transactionID == honest.transactionID, "it is of this transaction")
    require(parts.recipientNonce == honest.recipientNonce, "it answers this message")
    if case .success = answer { require(text == parts.content, "the envelope is the one that was signed") }

    var corrupted = message
    input.corrupt(&corrupted)
    if corrupted != message, let (other, words) = check(corrupted, &policy) {
        require(kind(other) == kind(answer) && words == text, "what was changed says the same, or is refused")
    }
}

private func kind(_ answer: CertRep) -> Int {
    switch answer {
    case .success: -1
    case .failure(.missing, _): -3
    case .failure(.other(let number), _): 100 + Int(number)
    case .failure(.badAlg, _): 0
    case .failure(.badMessageCheck, _): 1
    case .failure(.badRequest, _): 2
    case .failure(.badTime, _): 3
    case .failure(.badCertId, _): 4
    case .pending: -2
    }
}

private func check(_ message: [UInt8], _ policy: inout Policy) -> (CertRep, [UInt8])? {
    var work = message
    let answer: CertRep?
    do {
        var bytes = work.mutableSpan
        answer = try? CertRep(
            &bytes, body: 0..<bytes.count, from: CACertificates(Authority.trusted.span), to: CertRepParts.transaction,
            policy: &policy, moment: .unknown)
    }
    guard let answer else { return nil }
    switch answer {
    case .success(let range), .failure(_, let range): return (answer, Array(work[range]))
    case .pending: return (answer, [])
    }
}

/// Opened by ``openCertRep(_:)`` as what an honest CA sends.
let honestContent: [UInt8] = [0, 0, 0, 0, 0, 2]

/// What an envelope holds that can be opened: only a certificate for the device's key, that the CA signed, is found in it,
/// and only a CRL of the CA's is believed.
func openCertRep(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let moment = moment(&input)
    var policy = policy(&input)
    let ciphers: [CipherAlgorithm] = [.aes128CBC, .aes256CBC, .tripleDESCBC, .desCBC, .aes192CBC]
    let cipher = ciphers[input.number(below: 5)]
    let choice = input.byte()
    var signed = [Authority.root, Authority.registration] + Authority.devices
    let content: [UInt8]
    let crl = choice & 2 == 0 ? [] : revocationList(&input)
    if choice & 1 == 1 {
        content = input.piece()
    } else {
        var list: [UInt8] = []
        for _ in 0...input.number(below: 4) { list += certificate(&input, &signed) }
        content = Authority.certificatesOnly(certificates: list, crls: crl)
    }
    var work = Authority.envelop(content, for: Authority.devices[0], cipher)
    input.corrupt(&work)
    let device = Authority.devices[0]
    var random = seededRandom()
    var key = SmoothKey(2)
    var span = work.mutableSpan
    guard
        let opened = try? CertRep.open(
            &span, envelope: 0..<span.count, key: &key, password: Span(), policy: &policy, random: &random)
    else { return }
    let ca = CACertificates(Authority.trusted.span)
    let found = try? IssuedCertificate.find(
        span.span, in: opened, from: ca, key: &key, replacing: nil, policy: &policy, moment: moment,
        mayBeginLater: choice & 4 != 0)
    require(found != nil || bytes != honestContent, "an honest certificate is taken")
    if let found {
        require(signed.contains(span.span.extracting(found).array), "the CA signed what is found")
    }
    do {
        let own = try Certificate(device.span)
        _ = try Revocation.check(
            span.span, in: opened, of: own, ca: ca, policy: &policy, moment: moment)
        require(span.span.extracting(opened.crls).array == crl, "the CA signed the list")
    } catch {}
}

private func revocationList(_ input: inout Input) -> [UInt8] {
    Authority.revocationList(
        entries: input.piece(), extensions: input.piece(), nextUpdate: input.piece(or: [UInt8]("340101000000Z")))
}
