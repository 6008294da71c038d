import Agent

// What both the device and the CA have a name for, from the device's side.

typealias DeviceConfiguration = Configuration
typealias DeviceConfigurationError = ConfigurationError
typealias DeviceOperation = Operation
