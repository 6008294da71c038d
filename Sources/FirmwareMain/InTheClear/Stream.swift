import Agent
import DeviceCrypto
import LwIPNet

/// What the device talks to its CA over.
typealias Stream = TCP

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream { TCP() }
