import Bytes
import DER
import Output
import PKIX

/// What an OBJECT IDENTIFIER is called in this field: `name` of its dotted form, one a line.
private let names: StaticString = """
    1.2.840.113549.1.1.1 rsaEncryption
    1.2.840.113549.1.1.2 md2WithRSAEncryption
    1.2.840.113549.1.1.4 md5WithRSAEncryption
    1.2.840.113549.1.1.5 sha1WithRSAEncryption
    1.2.840.113549.1.1.7 RSAES-OAEP
    1.2.840.113549.1.1.8 mgf1
    1.2.840.113549.1.1.10 RSASSA-PSS
    1.2.840.113549.1.1.11 sha256WithRSAEncryption
    1.2.840.113549.1.1.12 sha384WithRSAEncryption
    1.2.840.113549.1.1.13 sha512WithRSAEncryption
    1.2.840.113549.1.1.14 sha224WithRSAEncryption
    1.2.840.10040.4.1 dsa
    1.2.840.10045.2.1 ecPublicKey
    1.2.840.10045.3.1.7 P-256
    1.3.132.0.34 P-384
    1.3.132.0.35 P-521
    1.3.101.110 X25519
    1.3.101.112 Ed25519
    1.3.101.113 Ed448
    1.2.840.10045.4.1 ecdsa-with-SHA1
    1.2.840.10045.4.3.2 ecdsa-with-SHA256
    1.2.840.10045.4.3.3 ecdsa-with-SHA384
    1.2.840.10045.4.3.4 ecdsa-with-SHA512
    1.2.840.113549.2.5 MD5
    1.3.14.3.2.26 SHA-1
    2.16.840.1.101.3.4.2.1 SHA-256
    2.16.840.1.101.3.4.2.2 SHA-384
    2.16.840.1.101.3.4.2.3 SHA-512
    2.16.840.1.101.3.4.2.4 SHA-224
    1.2.840.113549.2.7 hmacWithSHA1
    1.2.840.113549.2.9 hmacWithSHA256
    1.2.840.113549.2.10 hmacWithSHA384
    1.2.840.113549.2.11 hmacWithSHA512
    1.3.14.3.2.7 DES-CBC
    1.2.840.113549.3.2 RC2-CBC
    1.2.840.113549.3.4 RC4
    1.2.840.113549.3.7 3DES-CBC
    2.16.840.1.101.3.4.1.2 AES-128-CBC
    2.16.840.1.101.3.4.1.6 AES-128-GCM
    2.16.840.1.101.3.4.1.22 AES-192-CBC
    2.16.840.1.101.3.4.1.42 AES-256-CBC
    2.16.840.1.101.3.4.1.46 AES-256-GCM
    1.2.840.113549.1.5.12 PBKDF2
    1.2.840.113549.1.5.13 PBES2
    1.2.840.113549.1.9.16.3.9 PWRI-KEK
    1.2.840.113549.1.7.1 data
    1.2.840.113549.1.7.2 signedData
    1.2.840.113549.1.7.3 envelopedData
    1.2.840.113549.1.7.5 digestedData
    1.2.840.113549.1.7.6 encryptedData
    1.2.840.113549.1.9.16.1.23 authEnvelopedData
    1.2.840.113549.1.9.1 emailAddress
    1.2.840.113549.1.9.2 unstructuredName
    1.2.840.113549.1.9.3 contentType
    1.2.840.113549.1.9.4 messageDigest
    1.2.840.113549.1.9.5 signingTime
    1.2.840.113549.1.9.7 challengePassword
    1.2.840.113549.1.9.8 unstructuredAddress
    1.2.840.113549.1.9.14 extensionRequest
    1.2.840.113549.1.9.15 smimeCapabilities
    1.2.840.113549.1.9.52 cmsAlgorithmProtection
    1.2.840.113549.1.9.16.2.12 signingCertificate
    1.2.840.113549.1.9.16.2.47 signingCertificateV2
    2.16.840.1.113733.1.9.2 messageType
    2.16.840.1.113733.1.9.3 pkiStatus
    2.16.840.1.113733.1.9.4 failInfo
    2.16.840.1.113733.1.9.5 senderNonce
    2.16.840.1.113733.1.9.6 recipientNonce
    2.16.840.1.113733.1.9.7 transactionID
    2.16.840.1.113733.1.9.8 extensionReq
    1.3.6.1.5.5.7.24.1 failInfoText
    2.5.29.9 subjectDirectoryAttributes
    2.5.29.14 subjectKeyIdentifier
    2.5.29.15 keyUsage
    2.5.29.16 privateKeyUsagePeriod
    2.5.29.17 subjectAltName
    2.5.29.18 issuerAltName
    2.5.29.19 basicConstraints
    2.5.29.20 cRLNumber
    2.5.29.21 reasonCode
    2.5.29.24 invalidityDate
    2.5.29.27 deltaCRLIndicator
    2.5.29.28 issuingDistributionPoint
    2.5.29.29 certificateIssuer
    2.5.29.30 nameConstraints
    2.5.29.31 cRLDistributionPoints
    2.5.29.32 certificatePolicies
    2.5.29.32.0 anyPolicy
    2.5.29.33 policyMappings
    2.5.29.35 authorityKeyIdentifier
    2.5.29.36 policyConstraints
    2.5.29.37 extKeyUsage
    2.5.29.37.0 anyExtendedKeyUsage
    2.5.29.46 freshestCRL
    2.5.29.54 inhibitAnyPolicy
    1.3.6.1.5.5.7.1.1 authorityInfoAccess
    1.3.6.1.5.5.7.1.3 qcStatements
    1.3.6.1.5.5.7.1.11 subjectInfoAccess
    1.3.6.1.5.5.7.48.1 OCSP
    1.3.6.1.5.5.7.48.2 caIssuers
    1.3.6.1.5.5.7.48.1.5 ocspNoCheck
    1.3.6.1.5.5.7.3.1 serverAuth
    1.3.6.1.5.5.7.3.2 clientAuth
    1.3.6.1.5.5.7.3.3 codeSigning
    1.3.6.1.5.5.7.3.4 emailProtection
    1.3.6.1.5.5.7.3.5 ipsecEndSystem
    1.3.6.1.5.5.7.3.6 ipsecTunnel
    1.3.6.1.5.5.7.3.7 ipsecUser
    1.3.6.1.5.5.7.3.8 timeStamping
    1.3.6.1.5.5.7.3.9 OCSPSigning
    1.3.6.1.5.5.7.3.13 eapOverPPP
    1.3.6.1.5.5.7.3.14 eapOverLAN
    1.3.6.1.5.5.7.3.17 ipsecIKE
    1.3.6.1.5.5.7.3.27 cmcCA
    1.3.6.1.5.5.7.3.28 cmcRA
    1.3.6.1.5.5.8.2.2 ikeIntermediate
    1.3.6.1.5.2.3.4 pkinitKPClientAuth
    1.3.6.1.5.5.7.8.3 permanentIdentifier
    1.3.6.1.5.5.7.8.4 hardwareModuleName
    1.3.6.1.4.1.311.13.2.1 enrollmentNameValuePair
    1.3.6.1.4.1.311.13.2.2 enrollmentCSP
    1.3.6.1.4.1.311.13.2.3 osVersion
    1.3.6.1.4.1.311.2.1.14 certExtensions
    1.3.6.1.4.1.311.20.2 enrollCerttype
    1.3.6.1.4.1.311.20.2.1 certificateRequestAgent
    1.3.6.1.4.1.311.20.2.2 smartcardLogon
    1.3.6.1.4.1.311.20.2.3 userPrincipalName
    1.3.6.1.4.1.311.21.1 cAVersion
    1.3.6.1.4.1.311.21.2 previousCACertHash
    1.3.6.1.4.1.311.21.4 cRLNextPublish
    1.3.6.1.4.1.311.21.7 certificateTemplate
    1.3.6.1.4.1.311.21.10 applicationPolicies
    1.3.6.1.4.1.311.21.20 requestClientInfo
    1.3.6.1.4.1.311.25.1 ntdsReplication
    1.3.6.1.4.1.311.25.2 ntdsObjectSid
    2.16.840.1.113730.1.1 netscapeCertType
    2.16.840.1.113730.1.13 netscapeComment

    """

extension Text {
    /// Appends the dotted form of an OBJECT IDENTIFIER; its contents in hexadecimal, after a `#`, if it has none here.
    @inline(never)
    mutating func append(dotted contents: Span<UInt8>) {
        var text = InlineArray<160, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = identifierText(contents, into: &buffer)
        if count == 0 {
            append("#")
            append(hex: contents)
        }
        append(buffer.span.extracting(first: count))
    }

    /// Appends an OBJECT IDENTIFIER's name, or its dotted form if it has none here.
    @inline(never)
    mutating func append(identifier contents: Span<UInt8>) {
        append(nameOf: Text(dotted: contents))
    }

    @inline(never)
    init(dotted contents: Span<UInt8>) {
        self = []
        append(dotted: contents)
    }

    @inline(never)
    init(identifier contents: Span<UInt8>) {
        self = []
        append(identifier: contents)
    }

    private mutating func append(nameOf dotted: Text) {
        let names = Bytes.span(of: names)
        var position = 0
        while position < names.count {
            let start = position
            while names[position] != UInt8(ascii: " ") { position += 1 }
            let isIt = areEqual(names.extracting(start..<position), dotted.span)
            let nameStart = position + 1
            while names[position] != UInt8(ascii: "\n") { position += 1 }
            if isIt { return append(names.extracting(nameStart..<position)) }
            position += 1
        }
        append(dotted)
    }
}
