import Agent
import Board
import CSCEP
import SCEP

/// The clock that the caller gave.
struct PlatformClock: Clock {
    private let platform: scep_platform

    init(_ platform: scep_platform) { self.platform = platform }

    var uptime: UInt64 { platform.uptime(platform.context) }

    var time: Int64? {
        platform.time.flatMap { plausible(time: $0(platform.context)) }
    }

    /// An agent that may not wait does not come here.
    mutating func sleep(milliseconds: UInt64) { platform.sleep?(platform.context, milliseconds) }
}

/// Randomness from the caller's generator.
struct PlatformEntropy: EntropySource {
    private let platform: scep_platform

    init(_ platform: scep_platform) { self.platform = platform }

    mutating func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
        let status = seed.withUnsafeMutableBufferPointer { bytes in
            platform.entropy(platform.context, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .failed }
        // A generator that is not switched on gives one byte over and over.
        for index in seed.indices where seed[index] != seed[0] { return }
        throw .failed
    }
}

/// Who is told lines and events.
struct PlatformLog: AgentLog {
    private let platform: scep_platform
    /// What failed last.
    var failure: AgentError?

    init(_ platform: scep_platform) { self.platform = platform }

    mutating func write(line: Span<UInt8>) {
        guard let function = platform.log else { return }
        line.withUnsafeBytes { bytes in
            function(platform.context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }

    mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
        failure = event.failure
        var line = Line()
        line.append(event, work)
        write(line: line.span)
        guard let function = platform.event else { return }
        var value = scep_event()
        value.outcome = scep_outcome(rawValue: UInt32(event.outcome.rawValue))
        let (hasCertificate, hasTransaction) = (event.certificate != nil, event.transactionID != nil)
        let certificate: Span<UInt8>
        if let range = event.certificate {
            certificate = work.extracting(range)
        } else {
            certificate = Span()
        }
        let identifier = event.transactionID ?? InlineArray(repeating: 0)
        line.span.withUnsafeBytes { line in
            certificate.withUnsafeBufferPointer { certificate in
                identifier.span.withUnsafeBytes { identifier in
                    value.line = line.baseAddress?.assumingMemoryBound(to: CChar.self)
                    value.line_size = line.count
                    if hasCertificate {
                        value.certificate = certificate.baseAddress
                        value.certificate_size = certificate.count
                    }
                    if hasTransaction {
                        value.transaction_id = identifier.baseAddress?.assumingMemoryBound(to: CChar.self)
                    }
                    function(platform.context, &value)
                }
            }
        }
    }
}
