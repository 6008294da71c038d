import DeviceCrypto

/// What the caller has to do next.
public enum AgentAction: Equatable, Sendable {
    /// Call ``Agent/generateKey(_:random:)``: it takes its time.
    case generateKey(KeyAlgorithm)
    /// Send this to the CA, then call ``Agent/received(_:to:configuration:time:work:random:)`` or
    /// ``Agent/failed(_:to:)``.
    case exchange(Operation, AgentPayload)
    /// Call ``Agent/store(in:work:)``.
    case store
    /// Call ``Agent/step(configuration:uptime:work:random:)`` again after so many milliseconds.
    case sleep(milliseconds: UInt64)
    /// The identity is stored.
    case ready
}

/// What goes with a request; ranges lie in the work buffer.
public enum AgentPayload: Equatable, Sendable {
    /// GET, without a message.
    case none
    /// GET, with these bytes in base64: the CA does not offer POST.
    case get(Range<Int>)
    /// POST
    case post(Range<Int>)
}
