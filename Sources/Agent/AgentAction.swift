import DeviceCrypto

/// What the caller has to do next.
public enum AgentAction: Equatable, Sendable {
    /// Call ``Agent/generateKey(_:configuration:random:)``: it takes its time.
    case generateKey(KeyAlgorithm)
    /// Send this to the CA, then call ``Agent/received(_:to:configuration:store:work:random:)`` or
    /// ``Agent/failed(_:to:configuration:random:)``.
    case exchange(Operation, AgentPayload)
    /// Call ``Agent/store(configuration:in:work:random:)``.
    case store
    /// Call ``Agent/step(configuration:clock:uptime:store:work:random:)`` again after so many milliseconds.
    case sleep(milliseconds: UInt64)
    /// Nothing is due. The identity is stored.
    case ready
}

/// What goes with a request; ranges lie in the work buffer.
public enum AgentPayload: Equatable, Sendable {
    /// GET, with the CA's identifier if one is configured.
    case none
    /// GET of one certificate of the CA's chain by its number, below 10, as Dogtag gives them out.
    case number(UInt8)
    /// GET, with these bytes in base64: the CA does not take POST.
    case get(Range<Int>)
    /// POST
    case post(Range<Int>)
}
