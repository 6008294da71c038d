import Foundation
import LibCrypto

extension Authority {
    /// Answers an HTTP request of an administrator: `README.md` lists them. Lists are JSON.
    public func administer(_ request: Request) -> Answer {
        let path = request.path.split(separator: "/").map { String($0).removingPercentEncoding ?? "" }
        let parameters = QueryParameters(request.query)
        do {
            return try administer(request.method, path, parameters)
        } catch let error as AdministrationError {
            return Answer(status: 409, text: error.description)
        } catch let error as CAConfigurationError {
            return Answer(status: 400, text: error.description)
        } catch {
            return Answer(status: 500, text: "\(error)")
        }
    }

    private func administer(_ method: String, _ path: [String], _ parameters: QueryParameters) throws -> Answer {
        switch (method, path.first, path.dropFirst().first, path.dropFirst(2).first) {
        case ("GET", "transactions", nil, nil):
            return try json(transactions())
        case ("POST", "transactions", let id?, "approve"):
            return Answer(status: 200, text: try approve(id))
        case ("POST", "transactions", let id?, "refuse"):
            let number = parameters["failinfo"].flatMap { Int($0) } ?? FailInfo.badRequest.rawValue
            guard let failInfo = FailInfo(rawValue: number) else {
                throw CAConfigurationError("failinfo is 0 to 4")
            }
            try refuse(id, Refusal(failInfo, parameters["text"] ?? "refused by the administrator"))
            return Answer(status: 200, text: "refused")
        case ("GET", "certificates", nil, nil):
            return try json(issuedCertificates())
        case ("GET", "certificates", let serial?, nil):
            guard let certificate = try issuedCertificate(serial: serial) else {
                throw AdministrationError(description: "no certificate with serial number \(serial) was issued")
            }
            return Answer(mediaType: "application/x-pem-file", body: try certificate.pem())
        case ("POST", "certificates", let serial?, "revoke"):
            let number = parameters["reason"].flatMap { Int($0) } ?? 0
            guard let reason = RevocationReason(rawValue: number) else {
                throw CAConfigurationError("reason is 0 to 5")
            }
            try revoke(serial: serial, reason: reason)
            return Answer(status: 200, text: "revoked")
        case ("GET", "ledger", nil, nil):
            return try json(ledger.entries)
        case ("POST", "passwords", nil, nil):
            return Answer(status: 200, text: try addPassword(device: parameters["device"] ?? ""))
        case ("POST", "next-ca", nil, nil):
            return Answer(status: 200, text: try prepareNextCA().fingerprint(.sha256).hexadecimal)
        case ("POST", "rollover", nil, nil):
            try rollOver()
            return Answer(status: 200, text: try trustAnchor.fingerprint(.sha256).hexadecimal)
        case ("GET", "clock", nil, nil):
            return Answer(status: 200, text: Self.text(of: now))
        case ("POST", "clock", nil, nil):
            guard let seconds = parameters["by"].flatMap(Double.init), seconds.magnitude < 1e11 else {
                throw CAConfigurationError("by is a number of seconds")
            }
            return Answer(status: 200, text: Self.text(of: moveClock(by: seconds)))
        case ("POST", "faults", nil, nil):
            let texts = (parameters["rules"] ?? "").split(separator: ";")
            setFaults(try texts.map { try FaultRule(text: String($0)) })
            return Answer(status: 200, text: "\(texts.count) faults")
        default:
            return Answer(status: 404, text: "there is no \(method) /\(path.joined(separator: "/"))")
        }
    }

    /// RFC 3339, UTC, whole seconds.
    private static func text(of date: Date) -> String {
        date.formatted(.iso8601)
    }

    private func json(_ value: some Encodable) throws -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Answer(mediaType: "application/json", body: [UInt8](try encoder.encode(value)))
    }
}
