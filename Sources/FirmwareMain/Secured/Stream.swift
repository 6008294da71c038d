import Agent
import Board
import DeviceCrypto
import LwIPNet
import TLS

/// What the device talks to its CA over: TLS where the URL is `https`.
typealias Stream = TLSTransport<TCP>

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream {
    do throws(CryptoError) {
        return try TLSTransport(TCP(), trust: ServerTrust(), random: &random)
    } catch {
        throw .entropy(.failed)
    }
}
