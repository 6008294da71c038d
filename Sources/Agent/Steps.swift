import Board
import DER
import DeviceCrypto
import SCEP

// The lines that tell a person what the device is doing. Emulation/README.md says what programs may rely on.

func announce<L: Log & ~Copyable>(_ text: StaticString, _ log: inout L) {
    var line = Line()
    line.append(text)
    log.write(line: line.span)
}

func announce<L: Log & ~Copyable>(_ operation: Operation, _ log: inout L) {
    switch operation {
    case .getCACaps: announce("asking the CA what it can do", &log)
    case .getCACert: announce("fetching the CA's certificates", &log)
    case .getNextCACert: announce("fetching the next CA's certificates", &log)
    case .pkcsReq: announce("requesting a certificate", &log)
    case .renewalReq: announce("renewing the certificate", &log)
    case .certPoll: announce("asking whether the certificate was approved", &log)
    case .getCert: announce("asking whether the CA has the certificate", &log)
    case .getCRL: announce("asking whether the certificate is revoked", &log)
    }
}

func announce<L: Log & ~Copyable>(_ algorithm: KeyAlgorithm, _ log: inout L) {
    var line = Line()
    line.append("making a key: ")
    switch algorithm {
    case .rsa(let bits):
        line.append("RSA-")
        line.append(decimal: bits)
    case .p256: line.append("P-256")
    case .p384: line.append("P-384")
    }
    log.write(line: line.span)
}

func announce<L: Log & ~Copyable>(_ wait: Wait, _ milliseconds: UInt64, _ log: inout L) {
    var line = Line()
    switch wait {
    case .poll: line.append("pending: asking again in ")
    case .retry: line.append("failed: trying again in ")
    case .duty: line.append("nothing is due: looking again in ")
    }
    // Rounded up: a wait of half a second is not one of none. 2^22 seconds are 48 days, and no wait is longer.
    line.append(decimal: (Int(truncatingIfNeeded: milliseconds &>> 3) &+ 124) / 125)
    line.append(" s")
    log.write(line: line.span)
}

/// Says what was done that is less than perfect.
func warn<Key: DeviceKey & ~Copyable, let caCapacity: Int, L: Log & ~Copyable>(
    _ agent: borrowing Agent<Key, caCapacity>, _ log: inout L
) {
    let used = agent.policy.used
    if used.contains(.sha1) { announce("warning: SHA-1 was used, as allow=sha1 permits", &log) }
    if used.contains(.tripleDES) { announce("warning: triple DES was used, as allow=3des permits", &log) }
    if used.contains(.des) { announce("warning: single DES was used, as allow=des permits", &log) }
    if used.contains(.unmarkedRA) { announce("warning: an RA was trusted that nothing marks as one", &log) }
    if agent.cannotRenew { announce("warning: an EC key is renewed only with challenge-use=always", &log) }
    if agent.clockIsBehind { announce("warning: the clock is behind what certificates prove; it was not used", &log) }
    if agent.timeWasUnknown {
        announce("warning: the time is not certain, so validity was checked as far as it is", &log)
    }
}
