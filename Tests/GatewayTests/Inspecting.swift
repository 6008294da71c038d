import Agent
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

@testable import Gateway

/// What `scep inspect` is given in a test.
struct Inspecting {
    /// PEM or DER.
    var key: [UInt8] = []
    var password = ""
    var ca: [UInt8] = []
    var fingerprint = ""
    var request: [UInt8] = []
    var moment = Moment.unknown
    var policy = Policy()
    var showsChallenge = false
    var canDecrypt = true

    private func options() throws -> InspectOptions {
        var options = InspectOptions()
        if !key.isEmpty {
            let der = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: key)
            var random = try seededRandom()
            try options.key.load(try PrivateKeyInfo(der.span), random: &random)
            options.hasKey = true
        }
        options.password = Array(password.utf8)
        options.ca = ca
        options.fingerprints = Array(fingerprint.utf8)
        options.request = request
        options.moment = moment
        options.policy = policy
        options.showsChallenge = showsChallenge
        options.canDecrypt = canDecrypt
        return options
    }

    private func run(_ file: [UInt8], _ form: Report.Form) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let path = try directory.write(file, to: "file")
            var report = Report(form)
            try inspect([Array(path.utf8)], try options(), into: &report)
            return report.finish()
        }
    }

    /// What a person reads.
    func lines(_ file: [UInt8]) throws -> String { String(decoding: try run(file, .lines), as: UTF8.self) }

    /// What a program reads of a file, by Foundation's parser.
    func json(_ file: [UInt8]) throws -> Found {
        let document = try JSONSerialization.jsonObject(with: Data(run(file, .json)))
        return Found(value: document)["files"][0]
    }
}

/// A value of JSON, or nothing.
struct Found {
    let value: Any?

    subscript(name: String) -> Found { Found(value: (value as? [String: Any])?[name]) }

    subscript(index: Int) -> Found {
        let list = value as? [Any] ?? []
        return Found(value: index < list.count ? list[index] : nil)
    }

    var text: String? { value as? String }
    var number: Int? { value as? Int }
    var count: Int { (value as? [Any])?.count ?? 0 }
    var items: [Found] { (0..<count).map { self[$0] } }

    /// The first object of a file.
    var object: Found { self["objects"][0] }

    /// How the check called `name` came out: `pass`, `fail` or `unknown`; nil if it was not made.
    func result(_ name: String) -> String? {
        self["checks"].items.first { $0["name"].text == name }?["result"].text
    }

    /// Names of checks that failed, here and in whatever is inside, in the order of the report.
    var failures: [String] {
        if let list = value as? [Any] { return list.flatMap { Found(value: $0).failures } }
        guard let object = value as? [String: Any] else { return [] }
        if object["result"] as? String == "fail" { return [object["name"] as? String ?? ""] }
        return object.keys.sorted().flatMap { self[$0].failures }
    }

    /// The value of the extension called `name`.
    func `extension`(_ name: String) -> String? {
        self["extensions"].items.first { $0["extension"].text == name }?["value"].text
    }
}
