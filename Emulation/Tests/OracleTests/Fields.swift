/// Names for what stands where, so that a difference can be told by the field that was changed.
enum Fields {
    typealias Naming = @Sendable (Element.Path) -> String

    static func certificate(_ root: Element) -> Naming {
        let names = tbsNames(
            root,
            [
                "version", "serialNumber", "signature", "issuer", "validity", "subject", "subjectPublicKeyInfo",
                "extensions",
            ])
        return { path in
            if let outer = outer(path) { return outer }
            guard path.count > 1 else { return "tbsCertificate" }
            let name = names[min(path[1], names.count - 1)]
            return name == "extensions" ? extensionName(root, path, from: 3) : name
        }
    }

    static func revocationList(_ root: Element) -> Naming {
        let names = tbsNames(root, ["version", "signature", "issuer", "thisUpdate", "nextUpdate"])
        return { path in
            if let outer = outer(path) { return outer }
            guard path.count > 1 else { return "tbsCertList" }
            guard path[1] >= names.count else { return names[path[1]] }
            if root[[0, path[1]]].tag == 0xA0 { return extensionName(root, path, from: 3) }
            guard path.count > 3 else { return "revokedCertificates" }
            switch path[3] {
            case 0: return "userCertificate"
            case 1: return "revocationDate"
            default: return extensionName(root, path, from: 4)
            }
        }
    }

    private static func outer(_ path: Element.Path) -> String? {
        switch path.first {
        case nil: "whole"
        case 0: nil
        case 1: "signatureAlgorithm"
        default: "signatureValue"
        }
    }

    private static func tbsNames(_ root: Element, _ names: [String]) -> [String] {
        root[[0]].children?.first?.tag == 0x30 ? Array(names.dropFirst()) : names
    }

    /// - Parameter level: where in the path the number of the extension stands.
    private static func extensionName(_ root: Element, _ path: Element.Path, from level: Int) -> String {
        guard path.count > level + 1 else { return "extension" }
        let item: Element = root[Array(path[...level])]
        let identifier = item.children?.first?.bytes ?? []
        let last = (item.children?.count ?? 0) - 1
        guard path[level + 1] == last else { return path[level + 1] == 0 ? "extension" : "critical" }
        switch identifier {
        case [0x55, 0x1D, 0x13]: return "basicConstraints"
        case [0x55, 0x1D, 0x0F]: return "keyUsage"
        case [0x55, 0x1D, 0x25]: return "extKeyUsage"
        default: return "value of an extension that is not checked"
        }
    }

    static func signedData(_ root: Element) -> Naming {
        let last = (root[[1, 0]].children?.count ?? 0) - 1
        return { path in
            guard path.count > 2 else { return "contentInfo" }
            switch path[2] {
            case 0: return "version"
            case 1: return "digestAlgorithms"
            case 2: return "encapContentInfo"
            case last: break
            default: return "certificates"
            }
            guard path.count > 4 else { return "signerInfos" }
            let names = ["version", "sid", "digestAlgorithm", "signedAttrs", "signatureAlgorithm", "signature"]
            return path[4] < names.count ? names[path[4]] : "unsignedAttrs"
        }
    }

    static func envelopedData(_ root: Element) -> Naming {
        let recipients = (root[[1, 0]].children ?? []).firstIndex { $0.tag == 0x31 } ?? 1
        let isPassword = root[[1, 0, recipients, 0]].tag == 0xA3
        return { path in
            guard path.count > 2 else { return "contentInfo" }
            guard path[2] >= recipients else { return "version" }
            guard path[2] == recipients else { return "encryptedContentInfo" }
            guard path.count > 4 else { return "recipientInfos" }
            let names =
                isPassword
                ? ["version", "keyDerivationAlgorithm", "keyEncryptionAlgorithm", "encryptedKey"]
                : ["version", "rid", "keyEncryptionAlgorithm", "encryptedKey"]
            return path[4] < names.count ? names[path[4]] : "recipientInfos"
        }
    }

    static func privateKey(_ root: Element) -> Naming {
        let isPKCS8 = (root.children ?? []).dropFirst().first?.tag == 0x30
        return { path in
            guard let first: Int = path.first else { return "whole" }
            guard isPKCS8 else { return "privateKey" }
            return first == 0 ? "version" : first == 1 ? "privateKeyAlgorithm" : "privateKey"
        }
    }
}
