import Authority

// What both the device and the CA have a name for, from the CA's side.

typealias CAConfiguration = Configuration
typealias CAMessage = MessageType
typealias CAOperation = Operation
