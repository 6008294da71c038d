import Agent
import DeviceCrypto
import LwIPNet

/// What the device talks to its CA over.
typealias Stream = TCP

/// mbedTLS's memory, enough for an RSA-2048 private operation.
typealias ArenaMemory = InlineArray<10_240, UInt8>

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream { TCP() }
