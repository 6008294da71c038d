/// What an input is done with. Nothing in it may depend on anything but the input: no clock, no chance, no file.
struct Target: Sendable {
    /// Of its folder in `corpus` too.
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    init(_ name: String, _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.run = run
    }

    static let all = [
        Target("der", readDER), Target("ber", normalizeBER), Target("names", writeNames),
        Target("certificate", readCertificate), Target("crl", readRevocationList),
        Target("private-key", readPrivateKey), Target("signature", verifySignature),
        Target("signed-data", readSignedData), Target("enveloped-data", openEnvelopedData),
        Target("capabilities", readCapabilities), Target("ca-certificates", acceptCACertificates),
        Target("next-ca-certificates", acceptNextCACertificates),
        Target("certrep", verifyCertRep), Target("certrep-content", openCertRep),
        Target("http", readReply), Target("url", readURL),
        Target("flash", replayFlash), Target("folder", readFolder), Target("store", readStore),
        Target("configuration", readConfiguration), Target("conversation", converse),
        Target("gateway-configuration", readConfigurationFile), Target("alt-names", writeAltNames),
        Target("pem", readPEM), Target("inspect", inspectFile),
        Target("relay-device", relayDevice), Target("relay-station", relayStation),
        Target("c", callFromC),
    ]
}

/// Ends the program, which is a finding.
func require(_ isTrue: Bool, _ what: StaticString, file: StaticString = #file, line: UInt = #line) {
    if !isTrue { fatalError("not so: \(what)", file: file, line: line) }
}
