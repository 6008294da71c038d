import Authority

/// What a CA is asked for; Foundation and the device have types of the same name.
public typealias CAOperation = Operation
