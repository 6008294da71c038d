import Authority

// Named here, where Foundation's type of the same name is not imported.
typealias CAOperation = Operation
