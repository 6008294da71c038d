import Board
import Bytes
import DeviceCrypto
import HTTP
import PKIX
import SCEP

// What the CA answers to GetCRL and GetCert.

extension Agent where Key: ~Copyable {
    /// Reads the device's own certificate to the end of `work`, behind a reply about it.
    func readOwn<S: SnapshotStorage & ~Copyable>(
        behind body: Range<Int>, _ operation: Operation, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(AgentError) -> Range<Int> {
        do throws(StorageError) {
            guard let size = store.size(of: .certificate) else { throw .corrupt }
            guard size <= work.count &- body.upperBound else {
                throw .full
            }
            let own = (work.count &- size)..<work.count
            var output = work._mutatingExtracting(own)
            _ = try store.read(.certificate, into: &output)
            return own
        } catch {
            guard error != .full else {
                throw .exchange(operation, .reply(HTTPError(.bodyTooLarge, at: body.lowerBound, size: body.count)))
            }
            throw .storage(error)
        }
    }

    /// Checks a reply about the certificate that the device holds, which stands at `own`.
    mutating func handleLookUp(
        _ operation: Operation, _ body: Range<Int>, _ own: Range<Int>, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) {
        switch try read(body, &work) {
        case .success(let envelope):
            noteUncertainTime()
            let opened = try open(envelope, isOfHolder: true, configuration, &work, &random)
            guard let certificate = try? Certificate(work.span.extracting(own)) else { throw .wrongCertificate }
            if operation == .getCert {
                _ = try IssuedCertificate.find(
                    work.span, in: opened, issuer: certificate.issuer,
                    serialNumber: certificate.serialNumber)
            } else {
                let ca = CACertificates(caCertificates.span.extracting(currentCA))
                let isRevoked = try Revocation.check(
                    work.span, in: opened, of: certificate, ca: ca, policy: &policy, moment: time.moment)
                revocationList = opened.crls
                if isRevoked { throw .revoked }
            }
        case .failure(let failInfo, _): throw .refused(failInfo)
        case .pending: throw .unknownStatus
        }
        self.certificate = own
        stored.failures = 0
        event = Happening(operation == .getCRL ? .notRevoked : .known, operation)
        move(.lookedUp)
    }
}
