import Bytes
import DER
import DeviceCrypto
import PKIX
import SCEP

// What the CA says of itself: GetCACaps, GetCACert, GetNextCACert.

extension Agent where Key: ~Copyable {
    // MARK: GetCACaps

    @inline(never)
    mutating func handleCapabilities(
        _ capabilities: Capabilities, _ configuration: borrowing Configuration
    ) throws(SCEPError) {
        self.capabilities = capabilities
        switch state {
        // Nothing depends on what the CA can do.
        case .capabilities(.askTime): break
        case .capabilities(.nextCA):
            guard capabilities.contains(.getNextCACert) else { return move(.notOffered) }
        default:
            // What cannot work is said before anything is sent.
            do throws(SCEPError) {
                _ = try Algorithms(capabilities, &policy)
            } catch {
                throw capabilities == Capabilities() ? .noCapabilities : error
            }
        }
        // A transaction that the server did not answer may be for a CA, or a registration authority, that was replaced.
        let wantsCACertificates = transaction.tries > 0 && !caIsFresh && !transaction.flags.contains(.forNextCA)
        move(.capabilities(isPending: transaction.flags.contains(.pending), wantsCACertificates: wantsCACertificates))
    }

    /// Takes a server that does not know GetCACaps for one without capabilities, if the policy allows for so little;
    /// if not, `failure` is what stands in the way.
    @inline(never)
    mutating func handleMissingCapabilities(
        _ failure: AgentError, _ configuration: borrowing Configuration
    ) throws(AgentError) {
        if case .capabilities(.nextCA) = state, failure.isMissing { return move(.notOffered) }
        do throws(SCEPError) {
            _ = try Algorithms(Capabilities(), &policy)
            try handleCapabilities(Capabilities(), configuration)
        } catch {
            throw failure
        }
    }

    // MARK: GetCACert

    var isInChain: Bool {
        if case .caCertificates(_, let chain, _) = state { chain.certificateCount > 0 } else { false }
    }

    /// - Returns: the failure of a request that other certificates could have explained, if they are the same.
    mutating func handleCACertificates(
        _ body: Range<Int>, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> AgentError? {
        guard case .caCertificates(let goal, let chain, let isAfterFailure) = state,
            let fingerprints = Fingerprints(configuration.fingerprint)
        else { throw .fingerprintMismatch }
        noteUncertainTime()
        let isWithOtherCA = transaction.flags.contains(.forOtherCA) && goal == .resume
        let before = Hash.digest(.sha256, of: caCertificates.span.extracting(currentCA))
        var reply = try GetCACert.read(&work, body: body, policy: &policy)
        if chain.certificateCount > 0 { reply.certificates = try join(chain, reply.certificates, &work) }
        var verdict = CAVerdict.changed
        let accepted: Accepted
        do throws(SCEPError) {
            var trusted = caCertificates.mutableSpan
            accepted = try GetCACert.accept(
                work.span, certificates: reply.certificates, fingerprints: fingerprints,
                known: chain.certificateCount > 0 ? 0 : caByteCount, trustsKnown: !isOtherCA || isWithOtherCA,
                policy: &policy, moment: time.moment, into: &trusted)
        } catch {
            // Of a server that gives them out one by one, the first may be the registration authority's, known already.
            if error == .pinnedIsNotCA, reply.isSingle, caByteCount > 0 {
                move(.caCertificates(.same, isPending: transaction.flags.contains(.pending)))
                return isAfterFailure ? failure : nil
            }
            if error == .fingerprintMismatch, chain.certificateCount == 0 {
                noteUnknownCA(reply.certificates, fingerprints, work.span)
            }
            // A single certificate may be the first of a chain, as Dogtag gives it out.
            // More than ``SCEP/CACertificates/maximumCount`` are another error.
            guard error == .fingerprintMismatch, reply.isSingle, current == nil, configuration.message.count == 0
            else { throw error }
            try keep(reply.certificates, of: chain, work.span)
            return nil
        }
        if Footprint.isUnconstrained { (passedOver, hasPassedOver) = (accepted.passedOver, true) }
        unknownCA = nil
        // What is not what the device goes on with has overwritten what it had.
        caByteCount = 0
        // Several fingerprints can reach several CAs: a request that is open goes to none but its own.
        guard goal != .resume || accepted.continuesKnown else { throw .fingerprintMismatch }
        if goal != .resume, current != nil {
            let wasOther = isOtherCA
            isOtherCA = !accepted.continuesKnown
            // A renewal that meets another CA is none: whether to enrol there is found out anew.
            guard goal != .renew || !isOtherCA else {
                guard requestedGoal == nil else { throw .fingerprintMismatch }
                move(.notOffered)
                return nil
            }
            // Whoever wants another certificate gets it from the successor.
            if wasOther, !isOtherCA, requestedGoal != .enrol { verdict = .successor }
        }
        caByteCount = accepted.byteCount
        do throws(SCEPError) {
            _ = try CACertificates(caCertificates.span.extracting(currentCA)).encryptionCertificate(
                canDecrypt: !configuration.needsPassword, policy: &policy)
        } catch {
            caByteCount = 0
            throw error
        }
        caIsFresh = true
        let isSame = Hash.digest(.sha256, of: caCertificates.span.extracting(currentCA)) == before
        if verdict == .changed, isSame { verdict = .same }
        move(.caCertificates(verdict, isPending: transaction.flags.contains(.pending)))
        return isAfterFailure && verdict == .same ? failure : nil
    }

    /// Keeps a chain as far as it came, so that the next of its certificates can be fetched.
    private mutating func keep(_ certificates: Range<Int>, of chain: Chain, _ work: Span<UInt8>) throws(SCEPError) {
        guard certificates.count <= caCapacity else { throw .caCertificatesTooLarge(certificates.count) }
        for index in certificates { caCertificates[index &- certificates.lowerBound] = work[index] }
        // They lie where trusted ones did.
        (caByteCount, nextCAByteCount) = (0, 0)
        move(
            .certificate(
                Chain(certificateCount: chain.certificateCount &+ 1, byteCount: certificates.count)))
    }

    /// Puts the chain as far as it came in front of its next certificate.
    ///
    /// - Throws: ``SCEPError/fingerprintMismatch`` when the server goes on giving the same one.
    private func join(
        _ chain: Chain, _ next: Range<Int>, _ work: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Range<Int> {
        let length = next.count
        guard length <= work.count &- chain.byteCount else { throw .reply(DERError(.bufferFull, at: length)) }
        var isNew = chain.byteCount < length
        var index = length
        while index > 0 {
            index &-= 1
            let byte = work[next.lowerBound &+ index]
            if !isNew, byte != caCertificates[chain.byteCount &- length &+ index] { isNew = true }
            work[chain.byteCount &+ index] = byte
        }
        guard isNew else { throw .fingerprintMismatch }
        for index in 0..<chain.byteCount { work[index] = caCertificates[index] }
        return 0..<(chain.byteCount &+ length)
    }

    // MARK: GetNextCACert

    /// Takes the next CA's certificates, which are stored from where they stand in `work`.
    @inline(never)
    mutating func handleNextCACertificates(
        _ body: Range<Int>, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>
    ) throws(SCEPError) {
        noteUncertainTime()
        do {
            let ca = CACertificates(caCertificates.span.extracting(first: caByteCount))
            certificate = try GetNextCACert.accept(&work, body: body, from: ca, policy: &policy, moment: time.moment)
        }
        // Both CAs are trusted side by side.
        guard certificate.count <= caCapacity &- caByteCount else {
            throw .caCertificatesTooLarge(caByteCount &+ certificate.count)
        }
        // What the device sends next has to find a key there.
        _ = try CACertificates(work.span.extracting(certificate)).encryptionCertificate(
            canDecrypt: !configuration.needsPassword, policy: &policy)
        event = Happening(.nextCA, .getNextCACert)
        move(.nextCACertificates)
    }
}

extension AgentError {
    /// Whether a server says that it has no such thing.
    fileprivate var isMissing: Bool {
        if case .status(_, let status, _) = self { status < 500 } else { false }
    }
}
