import Agent
import Board

/// What a station wants of a device whose run has ended.
public enum RelayRequest: Equatable, Sendable {
    /// To go on with the run.
    case run
    /// Nothing more: the device was verified, or will be scrapped.
    case done
}

extension RelayDevice where Port: ~Copyable, C: ~Copyable {
    /// Answers the station between runs: who this is, and which certificate it has, as read from storage.
    ///
    /// What the station asked for during the run is answered first.
    ///
    /// - Parameters:
    ///   - work: space for the certificate.
    ///   - deadline: in milliseconds of the same board's ``Board/Clock/uptime``.
    /// - Returns: what the station wants next; nil when the deadline has passed.
    public mutating func serve<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>, deadline: UInt64
    ) -> RelayRequest? {
        while true {
            let request = request
            self.request = nil
            if request == .run { return .run }
            if request == .done { return .done }
            guard clock.uptime < deadline else { return nil }
            if request == .certificate {
                let count = (try? certificate(in: &store, &work)) ?? 0
                write(.certificate, work.span.extracting(first: count), RelayLink.patience)
            } else {
                moveBytes(Span(), until: deadline)
            }
        }
    }

    /// Reads the certificate of the current identity.
    ///
    /// - Returns: its bytes at the front of `work`; 0 if there is none.
    private func certificate<S: SnapshotStorage & ~Copyable>(
        in store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) -> Int {
        try store.open()
        return try store.read(.certificate, into: &work) ?? 0
    }
}
