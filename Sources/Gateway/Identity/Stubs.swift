import Agent

typealias GatewayKey = SoftwareKey
