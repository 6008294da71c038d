import Board
import DeviceCrypto

/// The data flash as a device leaves the factory with it: seed, provisioning record, and the identity if the station made one
/// (Docs/Manufacture.md).
enum FactoryFlash {
    /// - Parameters:
    ///   - configuration: the provisioning record's text; at most ``Board/ProvisioningRecord/textLimit`` bytes.
    ///   - identity: the identity partition; nil where the device makes its own.
    /// - Returns: 65,536 bytes; a secret.
    static func make(configuration: [UInt8], identity: [UInt8]?, random: inout RandomGenerator) throws(CryptoError)
        -> [UInt8]
    {
        var flash = [UInt8](repeating: FlashLayout.all.erasedValue, count: FlashLayout.size)
        var secret = [UInt8](repeating: 0, count: 64)
        defer { for index in secret.indices { secret[index] = 0 } }
        do {
            var span = secret.mutableSpan
            try random.fill(&span)
        }
        var span = flash.mutableSpan
        var seed = span._mutatingExtracting(FlashLayout.seedOrigin..<FlashLayout.recordOrigin)
        SeedRegion<ImageFlash>.writeFirstRecord(secret.span, into: &seed)
        var record = span._mutatingExtracting(FlashLayout.recordOrigin..<FlashLayout.identityOrigin)
        ProvisioningRecord.write(configuration.span, into: &record)
        if let identity {
            for index in identity.indices { span[FlashLayout.identityOrigin + index] = identity[index] }
        }
        return flash
    }
}
