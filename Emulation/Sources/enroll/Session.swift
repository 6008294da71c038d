import Emulator
import Foundation

/// One device from its manufacture to its certificate, shown as it goes.
struct Session {
    let command: Enroll
    let board: BoardKind
    let terminal: Terminal
    let project: URL

    func run() async throws {
        // Before anything is shown or started.
        let image = try board.image.file(in: project)
        let budget = try Budget(of: board, in: project)

        terminal.heading("A device enrols itself: \(board.title)")
        terminal.gap()
        try await withFolder { folder in
            let device = Device(board: board, image: image, folder: folder, project: project)
            try await withCA { ca in
                terminal.step(.authority, ca.introduction)
                var record = ProvisioningRecord(
                    url: ca.url, fingerprint: ca.fingerprint, challenge: ca.challenge, subject: command.subject)
                record.subjectAltName = command.san
                record.key = command.key
                record.leniencies = Set(command.allow)
                // Somebody is watching, and can start it again.
                record.others = ["retries": "0"]
                try device.manufacture(record)
                let password = ca.challenge == nil ? "" : "a password, "
                terminal.step(
                    .factory,
                    "gave \(command.subject) the CA's address and fingerprint, \(password)and a random seed")
                try await enrol(device, with: ca, budget: budget)
            }
        }
    }

    /// What a program of Linux takes is this machine's time.
    private var shift: Int? { board.isMachine ? command.icount : nil }

    private func enrol(_ device: Device, with ca: CA, budget: Budget) async throws {
        terminal.step(.board, "power on")
        if let port = command.debugger {
            terminal.step(.board, "waiting for: gdb-multiarch -ex 'target remote :\(port)' \(device.image.path)")
        }
        let timeLimit: Duration = command.debugger == nil ? .seconds(command.timeLimit) : .seconds(86_400)
        let options = BootOptions(instructionShift: shift, debuggerPort: command.debugger)
        let outcome = try await device.runToEnd(options: options, timeLimit: timeLimit) { line in
            if Report(line: line.text) == nil { terminal.step(.board, line.text) }
        }
        if case .failed(let kind, let sentence) = outcome.verdict {
            throw Failure("the device is without a certificate (\(kind)): \(sentence)", exitCode: 1)
        }
        let openssl = OpenSSL(folder: device.folder)
        let identity = try await openssl.identity(in: try device.readFlash())
        let evaluation = await check(identity, ca: ca, openssl: openssl)

        terminal.gap()
        terminal.heading("The certificate in its flash")
        let certificate = try await openssl.describe(certificate: identity.certificate)
        terminal.row("subject", certificate.subject)
        terminal.row("issuer", certificate.issuer)
        terminal.row("serial", certificate.serial)
        terminal.row("valid", "from \(certificate.notBefore) to \(certificate.notAfter)")
        terminal.row("key", "\(certificate.key); the private key in the flash belongs to it")
        if !certificate.subjectAltName.isEmpty { terminal.row("names", certificate.subjectAltName) }
        terminal.row("SHA-256", certificate.fingerprint)
        terminal.row("checked", evaluation.text)

        terminal.gap()
        terminal.heading("What it took")
        guard let report = outcome.report else {
            throw Failure("\(board) gave no report of what it took", exitCode: 3)
        }
        let usage = ResourceUsage(report: report, budget: budget, instructionShift: shift)
        for row in usage.rows { terminal.row(row.name, row.text) }
        terminal.row("in all", "\(terminal.elapsed) from command to certificate")

        guard evaluation.isGood else { throw Failure(evaluation.text, exitCode: 3) }
        let exceeded = budget.exceeded(by: report)
        guard exceeded.isEmpty else {
            let names = exceeded.map(\.rawValue).joined(separator: ", ")
            throw Failure("over its budget (Boards/\(board)/board): \(names)", exitCode: 3)
        }
    }

    private func check(_ identity: Identity, ca: CA, openssl: OpenSSL) async -> (isGood: Bool, text: String) {
        do {
            let roots = ca.root.map { [$0] } ?? identity.authorities
            for root in roots {
                let others = identity.authorities.filter { $0 != root } + ca.intermediates
                guard (try? await openssl.isSelfSigned(certificate: root)) == true else { continue }
                try await openssl.verify(certificate: identity.certificate, root: root, intermediates: others)
                return (true, "openssl verify: OK")
            }
            return (true, "not checked: the CA's root is not in the device's flash")
        } catch {
            return (false, "openssl does not take the certificate: \(error)")
        }
    }

    /// The device's working folder: one that is kept, or one that is removed afterwards.
    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let manager = FileManager.default
        if let keep = command.keep {
            let folder = URL(filePath: keep)
            try manager.createDirectory(at: folder, withIntermediateDirectories: true)
            return try await body(folder)
        }
        let folder = manager.temporaryDirectory.appending(path: "enroll-\(UUID().uuidString)")
        try manager.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? manager.removeItem(at: folder) }
        try await body(folder)
    }
}
