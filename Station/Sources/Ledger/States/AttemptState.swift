/// Where one attempt to provision a device stands.
///
/// ```
/// planned ─▶ claimed ─▶ key ─▶ requested ─▶ pending ─▶ issued ─▶ delivered ─▶ verified
///                                                                └──────────────▲
/// ```
///
/// From each of them but the last an attempt may fail. Only ``verified`` counts as done.
public enum AttemptState: String, Sendable, CaseIterable, Codable {
    /// A station has it.
    case claimed
    /// The key was made; nothing was sent.
    case key
    /// A request may have reached the CA: from here on there may be a certificate.
    case requested
    /// The CA waits for a person.
    case pending
    /// There is a certificate.
    case issued
    /// It is in the device, or where the flasher takes it from.
    case delivered
    /// It was read back from the device, or the device named its fingerprint.
    case verified
    /// It ended without; another attempt may be made.
    case failed
    /// The device is thrown away.
    case scrapped
    /// The device was verified once, and is in use no more.
    case retired

    /// Whether a station may go on with it.
    public var isOpen: Bool { Self.open.contains(self) }

    /// Those that are open, in their order.
    static let open: [AttemptState] = [.claimed, .key, .requested, .pending, .issued, .delivered]

    /// Whether it leads to a request, and is not what came of one.
    var precedesAnswer: Bool { self == .key || self == .requested }

    /// Whether the CA may have issued a certificate in it.
    public var mayHaveCertificate: Bool {
        switch self {
        case .claimed, .key: false
        case .requested, .pending, .issued, .delivered, .verified, .failed, .scrapped, .retired: true
        }
    }

    /// Whether an attempt may go from here to `next`. The one table of what may follow what.
    func mayBecome(_ next: AttemptState) -> Bool {
        switch (self, next) {
        // A device that reports more than was seen of it: it had its certificate before this station looked.
        case (.claimed, .key), (.claimed, .requested), (.key, .requested), (.requested, .pending),
            (.claimed, .issued), (.key, .issued), (.requested, .issued), (.pending, .issued),
            (.issued, .delivered), (.issued, .verified), (.delivered, .verified):
            true
        case (_, .failed): isOpen
        case (.scrapped, _), (.retired, _): false
        case (.verified, .retired), (_, .scrapped): true
        default: false
        }
    }
}
