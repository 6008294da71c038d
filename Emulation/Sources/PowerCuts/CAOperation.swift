import Authority

/// What a CA is asked for, as the CA sees it: the device has a type of this name, too.
typealias CAOperation = Operation
