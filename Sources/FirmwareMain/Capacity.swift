import Agent
import DeviceCrypto

/// The agent, with space for the certificates of the CA and the next CA, in bytes: what the board's file `board` says, of these.
/// Swift takes a number in a type only from its own sources.
#if FIRMWARE_CA_1024
    typealias DeviceAgent = Agent<SoftwareKey, 1_024>
#elseif FIRMWARE_CA_1536
    typealias DeviceAgent = Agent<SoftwareKey, 1_536>
#elseif FIRMWARE_CA_2048
    typealias DeviceAgent = Agent<SoftwareKey, 2_048>
#elseif FIRMWARE_CA_4096
    typealias DeviceAgent = Agent<SoftwareKey, 4_096>
#elseif FIRMWARE_CA_6144
    typealias DeviceAgent = Agent<SoftwareKey, 6_144>
#else
    typealias DeviceAgent = Agent<SoftwareKey, 3_072>
#endif
