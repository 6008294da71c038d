import Authority
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// What an authority with a folder knows after it ended, however it ended.
@Suite struct RegisterTests {
    private func start(_ folder: URL, _ edit: (inout CAConfiguration) -> Void = { _ in }) throws -> Authority {
        try makeAuthority {
            $0.directory = folder
            $0.policy = .manual
            $0.challenge = .oneTime([OneTimePassword(device: "", password: "configured")])
            edit(&$0)
        }
    }

    /// What one sees of an authority.
    private struct Content: Equatable {
        let transactions: [TransactionSummary]
        let issued: [IssuedSummary]
        let root: Certificate

        init(_ authority: Authority) {
            transactions = authority.transactions()
            issued = authority.issuedCertificates()
            root = authority.trustAnchor
        }
    }

    /// A power cut leaves some part of what was not on disk yet: whatever was answered was on disk.
    @Test func aCutLineIsDroppedAndNothingElse() throws {
        try withTemporaryDirectory { directory in
            let folder = directory.appending(path: "ca")
            let file = folder.appending(path: "register.log")
            var moments: [(size: Int, content: Content)] = []
            try {
                let authority = try start(folder)
                func note() throws {
                    let size = try Data(contentsOf: file).count
                    moments.append((size, Content(authority)))
                }
                try note()
                let password = try authority.addPassword(device: "one")
                try note()
                let client = try Client("one")
                _ = try authority.enrol(client, transactionID: "1", challenge: password)
                try note()
                let serial = try authority.approve("1")
                try note()
                try authority.revoke(serial: serial)
                try note()
                _ = try authority.enrol(Client("two", key: Keys.device(1)), transactionID: "2", challenge: "configured")
                try note()
                try authority.refuse("2", Refusal(.badRequest, "no"))
                try note()
                _ = try authority.prepareNextCA()
                try authority.rollOver()
                try note()
            }()
            let whole = try Data(contentsOf: file)
            #expect(moments.last?.size == whole.count)
            for (before, after) in zip(moments, moments.dropFirst()) {
                #expect(before.size < after.size)
                let middle = (before.size + after.size) / 2
                for (cut, tail) in [
                    (before.size, 0), (before.size + 1, 0), (middle, 0), (after.size - 1, 0), (before.size, 100),
                    (middle, 100),
                ] {
                    try (whole[..<cut] + Data(count: tail)).write(to: file)
                    #expect(Content(try start(folder)) == before.content, "\(cut) bytes and \(tail) zeros")
                    // It goes on where it was cut.
                    #expect(Content(try start(folder)) == before.content)
                    #expect(try Data(contentsOf: file) == whole[..<before.size])
                }
                try whole[..<after.size].write(to: file)
                #expect(Content(try start(folder)) == after.content)
            }
        }
    }

    /// What did not come from a power cut is not passed over.
    @Test func aDamagedRegisterIsRefused() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "register.log")
            let end = try {
                let authority = try start(folder)
                let size = try Data(contentsOf: file).count
                _ = try authority.addPassword(device: "one")
                return size
            }()
            let whole = try Data(contentsOf: file)
            let heading = try #require(whole.firstIndex(of: 10)) + 1
            for place in [heading, heading + 16, heading + 30, end - 2] {
                var damaged = whole
                damaged[place] ^= 1
                try damaged.write(to: file)
                let error = #expect(throws: CAConfigurationError.self) { try start(folder) }
                #expect(
                    error?.description.contains("is damaged at byte \(heading)") == true, "\(place): \(error as Any)")
                #expect(try Data(contentsOf: file) == damaged)
            }
            for text in ["", "scep-authority register 2\n", "scep-authority reg"] {
                try Data(text.utf8).write(to: file)
                let error = #expect(throws: CAConfigurationError.self) { try start(folder) }
                #expect(error?.description.contains("is no register, or that of another version") == true)
            }
        }
    }

    @Test func aFolderOfAnEarlierVersionIsRefused() throws {
        try withTemporaryDirectory { folder in
            try Data("{}".utf8).write(to: folder.appending(path: "database.json"))
            let error = #expect(throws: CAConfigurationError.self) { try start(folder) }
            #expect(error?.description.contains("remove the folder to start afresh") == true)
        }
    }

    @Test func oneAuthorityHasAFolder() throws {
        try withTemporaryDirectory { folder in
            let authority = try start(folder)
            let error = #expect(throws: CAConfigurationError.self) { try start(folder) }
            #expect(error?.description.contains("is in use by another authority") == true)
            // What others were told is not taken back.
            let snapshot = authority.snapshot()
            #expect(throws: CAConfigurationError.self) { try authority.restore(snapshot) }
            let fork = try authority.fork()
            try fork.restore(snapshot)
        }
        try withTemporaryDirectory { folder in
            let snapshot = try makeAuthority().snapshot()
            #expect(throws: CAConfigurationError.self) { try makeAuthority(from: snapshot) { $0.directory = folder } }
            #expect(throws: CAConfigurationError.self) { try start(folder) { $0.remembersAnswers = true } }
        }
    }

    /// Half a generation of the CA, as a power cut leaves it, is made anew.
    @Test func keysThatWereHalfWrittenAreMadeAnew() throws {
        try withTemporaryDirectory { folder in
            let half = folder.appending(path: "ca-1.new")
            try FileManager.default.createDirectory(at: half, withIntermediateDirectories: true)
            try Data("half".utf8).write(to: half.appending(path: "root.pem"))
            let root = try start(folder).trustAnchor
            #expect(try start(folder).trustAnchor == root)
            #expect(!FileManager.default.fileExists(atPath: half.path))
        }
    }

    /// The program is killed while many devices ask, again and again, until all have their certificates.
    @Test func whatWasAnsweredSurvivesAKill() async throws {
        try await withTemporaryDirectory { folder in
            let names = (0..<24).map { "device-\($0)" }
            let passwords = folder.appending(path: "passwords")
            try Data(names.map { "\($0) password-of-\($0)\n" }.joined().utf8).write(to: passwords)
            let arguments = [
                "--json", "--directory", folder.appending(path: "ca").path, "--one-time-passwords", passwords.path,
            ]
            var messages: [(client: Client, message: [UInt8])] = []
            var answered: [Int: Certificate] = [:]
            for round in 0..<4 {
                let (process, output) = try AuthorityProgram.start(arguments)
                defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
                let ready = try AuthorityProgram.ready(output)
                if messages.isEmpty {
                    let root = try Certificate(pem: [UInt8](Data(contentsOf: URL(filePath: ready.certificate))))
                    messages = try names.enumerated().map { index, name in
                        let client = try Client(name, key: Keys.device(index % 3))
                        let request = try client.request(challenge: "password-of-\(name)")
                        return (client, try client.message(.pkcsReq, request, transactionID: name, for: root))
                    }
                }
                let isLast = round == 3
                let identifier = process.processIdentifier
                // Each twice at once.
                let issued = try await withThrowingTaskGroup(of: (Int, Certificate?).self) { group in
                    for (index, item) in (messages + messages).enumerated() {
                        let (number, client) = (index % names.count, item.client)
                        group.addTask {
                            let exchange = {
                                try await Reply(Wire.post(port: ready.port, item.message).body)
                                    .certificates(for: client).first
                            }
                            // Of those before the last start, some end in the middle.
                            return (number, isLast ? try await exchange() : try? await exchange())
                        }
                    }
                    var issued: [(Int, Certificate)] = []
                    for try await case (let number, let certificate?) in group {
                        issued.append((number, certificate))
                        if !isLast, issued.count == 5 * (round + 1) { kill(identifier, SIGKILL) }
                    }
                    return issued
                }
                process.terminate()
                process.waitUntilExit()
                for (number, certificate) in issued {
                    #expect(answered[number] == nil || answered[number] == certificate, "\(names[number])")
                    answered[number] = certificate
                }
            }
            #expect(answered.count == names.count)
            #expect(Set(answered.values.map(\.serialText)).count == names.count)
            let authority = try makeAuthority { $0.directory = folder.appending(path: "ca") }
            #expect(Set(authority.issuedCertificates().map(\.serial)) == Set(answered.values.map(\.serialText)))
            #expect(authority.transactions().count == names.count)
        }
    }

    /// Nobody is told of what cannot be kept, and nothing that was told of is lost.
    @Test func afterAFullDiskNothingIsAnswered() async throws {
        try await withTemporaryDirectory { folder in
            let directory = folder.appending(path: "ca")
            let (process, output) = try AuthorityProgram.start(
                ["--json", "--directory", directory.path], filesOf: 32)
            defer { if process.isRunning { process.terminate() } }
            let ready = try AuthorityProgram.ready(output)
            let root = try Certificate(pem: [UInt8](Data(contentsOf: URL(filePath: ready.certificate))))
            let client = try Client()
            var issued: [Certificate] = []
            var failures: [String] = []
            for number in 0..<20 {
                let message = try client.message(.pkcsReq, client.request(), transactionID: "\(number)", for: root)
                let response = try await Wire.post(port: ready.port, message)
                guard response.statusLine.contains("200") else {
                    failures.append(String(decoding: response.body, as: UTF8.self))
                    continue
                }
                #expect(failures.isEmpty)
                issued.append(try #require(Reply(response.body).certificates(for: client).first))
            }
            #expect(!issued.isEmpty && !failures.isEmpty)
            #expect(failures.allSatisfy { $0.contains("cannot write ") && $0.contains("register.log") }, "\(failures)")
            process.terminate()
            process.waitUntilExit()
            let authority = try makeAuthority { $0.directory = directory }
            #expect(authority.issuedCertificates().map(\.serial) == issued.map(\.serialText))
            #expect(try authority.enrol(client, transactionID: "19").status == .success)
        }
    }

    /// A sample of `make bench-authority`.
    @Test func aCertificateCostsTheSameAtTheEnd() async throws {
        try await withTemporaryDirectory { folder in
            let bench = Program(
                executable: AuthorityProgram.path.deletingLastPathComponent().appending(path: "bench-authority").path,
                arguments: ["--count", "100", "--directory", folder.path], folder: folder,
                origin: "swift build --product bench-authority")
            let run = try await bench.run(timeLimit: .hang) { try await $0.end() }
            let lines = run.lines.map(\.text)
            #expect(run.ending == .exited(0), "\(lines)")
            #expect(lines.contains { $0.hasSuffix("it knows 100 certificates") }, "\(lines)")
        }
    }
}
