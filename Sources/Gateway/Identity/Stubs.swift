import Agent
import LinuxBoard

typealias GatewayKey = SoftwareKey
typealias GatewayTransport = TCP
