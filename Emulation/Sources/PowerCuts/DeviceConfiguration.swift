import Agent

/// What a device is told; the CA's configuration has the same name.
typealias DeviceConfiguration = Configuration
typealias DeviceConfigurationError = ConfigurationError
