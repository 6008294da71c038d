import Agent
import DeviceCrypto
import Foundation
import Inspection
import Output
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

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

    private func run(_ files: [[UInt8]], _ form: Report.Form) throws -> [UInt8] {
        var report = Report(form)
        let names = files.indices.map { Array((files.count == 1 ? "file" : "file \($0)").utf8) }
        try inspect(names, try options(), random: try seededRandom(), into: &report) { name in
            names.firstIndex(of: name).map { files[$0] } ?? []
        }
        return report.finish()
    }

    /// What a person reads.
    func lines(_ file: [UInt8]) throws -> String { String(decoding: try run([file], .lines), as: UTF8.self) }

    /// What a program reads of a file, by Foundation's parser.
    func json(_ file: [UInt8]) throws -> Found { try json(each: [file])[0] }

    /// What it reads of several.
    func json(each files: [[UInt8]]) throws -> Found {
        let document = try JSONSerialization.jsonObject(with: Data(run(files, .json)))
        return Found(value: document)["files"]
    }
}
