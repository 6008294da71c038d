import Authority

/// What a CA is asked for; Foundation has a type of the same name.
public typealias CAOperation = Operation
