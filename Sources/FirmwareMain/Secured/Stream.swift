import Agent
import Board
import DeviceCrypto
import LwIPNet
import TLS

/// What the device talks to its CA over: TLS where the URL is `https`.
typealias Stream = TLSTransport<TCP>

/// mbedTLS's memory: an RSA-2048 private operation, or a connection with its two record buffers, the server's
/// certificates and what verifies them.
typealias ArenaMemory = InlineArray<24_576, UInt8>

func makeStream(_ random: inout RandomGenerator) throws(AgentError) -> Stream {
    do throws(CryptoError) {
        return try TLSTransport(TCP(), trust: ServerTrust(), random: &random)
    } catch {
        throw .entropy(.failed)
    }
}
