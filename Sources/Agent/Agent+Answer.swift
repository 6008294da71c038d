import Bytes
import CMS
import DeviceCrypto
import PKIX
import SCEP

// What the CA answers to PKCSReq, RenewalReq and CertPoll.

extension Agent where Key: ~Copyable {
    mutating func handleAnswer(
        _ operation: Operation, _ body: Range<Int>, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) {
        switch try read(body, &work) {
        case .success(let envelope): try handleSuccess(envelope, operation, configuration, &work, &random)
        case .failure(let failInfo, _): throw .refused(failInfo)
        case .pending: handlePending(operation, configuration)
        }
    }

    private mutating func handlePending(_ operation: Operation, _ configuration: borrowing Configuration) {
        transaction.flags.insert(.pending)
        transaction.polls &+= 1
        transaction.tries = 0
        transaction.nextPoll = time.later(seconds: configuration.polling.seconds(after: transaction.polls))
        event = Happening(.pending, operation)
        move(.pending)
    }

    private mutating func handleSuccess(
        _ envelope: Range<Int>, _ operation: Operation, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) {
        noteUncertainTime()
        let opened = try open(envelope, isOfHolder: transaction.flags.contains(.renewal), configuration, &work, &random)
        let found: Range<Int>
        do throws(SCEPError) {
            found = try find(opened, work.span)
        } catch {
            // Asked again, the CA would give the same again. But a password would be lost.
            if error.isBelowFloor || error == .certificateExpired && !time.moment.isExact { throw error }
            guard
                !sendsPassword(configuration, inRenewal: transaction.flags.contains(.renewal))
                    || configuration.challengeIsShared
            else { throw error }
            return refuse(.scep(operation, error, text: failureText), configuration, &random)
        }
        // The end of the buffer is needed to store it.
        certificate = 0..<found.count
        for index in certificate { work[index] = work[found.lowerBound &+ index] }
        guard let new = try? KeptCertificate(Certificate(work.span.extracting(certificate))) else {
            throw .certificateForAnotherKey
        }
        let isEarly = transaction.flags.contains(.forNextCA) && !isCertain(new)
        // What is issued for a time that a Date alone tells proves none.
        if !transaction.flags.contains(.forNextCA), !hasFormer { time.raiseFloor(to: new.notBefore) }
        event = Happening(isEarly ? .issuedEarly : .issued, operation)
        move(.issued(isEarly: isEarly))
    }

    /// Opens an envelope, which is encrypted to the key that signed the request (RFC 8894, 2.3).
    ///
    /// - Parameter isOfHolder: whether that was the key of the identity.
    @inline(never)
    mutating func open(
        _ envelope: Range<Int>, isOfHolder: Bool, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) -> CertificatesOnly {
        let password = password(configuration)
        if isOfHolder {
            return try CertRep.open(
                &work, envelope: envelope, key: &identityKey, password: password, policy: &policy, random: &random)
        }
        return try CertRep.open(
            &work, envelope: envelope, key: &key, password: password, policy: &policy, random: &random)
    }

    private mutating func find(_ opened: CertificatesOnly, _ work: Span<UInt8>) throws(SCEPError) -> Range<Int> {
        let issuers = transaction.flags.contains(.forNextCA) ? 0..<nextCAByteCount : currentCA
        return try IssuedCertificate.find(
            work, in: opened, from: CACertificates(caCertificates.span.extracting(issuers)), key: &key,
            replacing: transaction.flags.contains(.renewal) ? current?.replaced : nil, policy: &policy,
            moment: time.moment,
            mayBeginLater: transaction.flags.contains(.forNextCA))
    }
}

extension SCEPError {
    fileprivate var isBelowFloor: Bool {
        if case .belowFloor = self { true } else { false }
    }
}
