import Agent
import Board
import CLinux
import DeviceCrypto
import Foundation
import LinuxBoard
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

extension KeyTests {
    /// What other programs find, checked by openssl.
    @Suite struct PublishedFilesTests {
        typealias Store = IdentityStore<DirectorySnapshots<IdentityFolder>>

        /// A certificate of an intermediate CA's, its key, and CAs.
        struct Identity {
            static let shared = Result { try Identity() }

            let leaf: OpenSSLIdentity
            let intermediate: OpenSSLIdentity
            let root: OpenSSLIdentity
            let stranger: OpenSSLIdentity

            init() throws {
                root = try OpenSSLIdentity(subject: "/CN=Root")
                stranger = try OpenSSLIdentity(subject: "/CN=Other")
                intermediate = try OpenSSLIdentity(
                    subject: "/CN=Sub", issuedBy: root, extensions: ["basicConstraints=critical,CA:TRUE"])
                leaf = try OpenSSLIdentity(
                    subject: "/CN=gateway 7", for: TestKey.p256, issuedBy: intermediate,
                    extensions: ["keyUsage=digitalSignature"])
            }
        }

        /// Runs `body` with a folder and a store in it that holds the identity.
        func withFolder(
            _ identity: Identity, trusting trusted: [OpenSSLIdentity],
            _ body: (Workspace, inout Store, URL) throws -> Void
        ) throws {
            try withTemporaryDirectory { directory in
                var settings = KeySettings()
                settings.existingKey = identity.leaf.key
                try withProvider(settings) { _ in
                    let folder = directory.appending(path: "identity")
                    let workspace = try open(folder)
                    var store = IdentityStore(DirectorySnapshots(try workspace.openStore()))
                    try store.open()
                    try fill(&store, identity, trusted)
                    try body(workspace, &store, folder)
                }
            }
        }

        func open(_ folder: URL) throws -> Workspace {
            var settings = Settings()
            _ = settings.set(.directory, Array(folder.path.utf8), from: .commandLine)
            return try Workspace.open(settings)
        }

        func fill(
            _ store: inout Store, _ identity: Identity, _ trusted: [OpenSSLIdentity], leaf: OpenSSLIdentity? = nil
        ) throws {
            var random = try seededRandom()
            var key = GatewayKey()
            defer { key.wipe() }
            try key.generate(.p256, random: &random)
            let records: [(StoredRecord, [UInt8])] = [
                (.privateKey, try kept(&key)), (.certificate, (leaf ?? identity.leaf).der),
                (.caCertificates, trusted.flatMap(\.der)),
            ]
            try store.begin(bodySize: records.reduce(0) { $0 + Store.recordSize($1.1.count) })
            for (record, bytes) in records { try store.append(record, bytes.span) }
            try store.commit()
        }

        func publish(
            _ store: inout Store, _ workspace: Workspace, offered: [UInt8] = []
        ) throws -> PublishedFiles.Outcome {
            var publishedFiles = try #require(try PublishedFiles(&store, KeyTests.provider, offered: offered))
            return try publishedFiles.publish(in: workspace)
        }

        /// Has openssl verify the chain and compare the keys; the modes are looked at, too.
        func check(_ folder: URL, partial: Bool = false) throws {
            let current = folder.appending(path: "current").path + "/"
            try OpenSSL.run(
                ["verify"] + (partial ? ["-partial_chain"] : [])
                    + ["-CAfile", current + "ca.pem", "-untrusted", current + "chain.pem", current + "cert.pem"])
            let certified = try OpenSSL.run(["x509", "-in", current + "cert.pem", "-noout", "-pubkey"])
            #expect(try OpenSSL.run(["pkey", "-in", current + "key.pem", "-pubout"]) == certified)
            for (name, mode) in [
                ("cert.pem", 0o644), ("chain.pem", 0o644), ("fullchain.pem", 0o644), ("ca.pem", 0o644),
                ("event", 0o644), ("key.pem", 0o600), ("..", 0o755), (".", 0o755),
            ] {
                #expect(try self.mode(current + name) == mode, "\(name)")
            }
        }

        private func mode(_ path: String) throws -> Int {
            let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            return try #require(
                FileManager.default.attributesOfItem(atPath: real)[.posixPermissions] as? Int)
        }

        func read(_ folder: URL, _ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: folder.appending(path: "current/" + name)))
        }

        // A mask of 0 would be that of other tests, too: PublishedSetTests has it.
        @Test(arguments: [0o022, 0o077]) func wholeSetIsPublishedOnceWhateverTheUmask(mask: Int) throws {
            let identity = try Identity.shared.get()
            try withTemporaryDirectory { _ in
                let before = umask(mode_t(mask))
                defer { umask(before) }
                try withFolder(identity, trusting: [identity.root, identity.intermediate]) { workspace, store, folder in
                    #expect(try publish(&store, workspace) == .published(.issued))
                    try check(folder)
                    #expect(try read(folder, "ca.pem") == identity.root.certificate)
                    #expect(
                        try read(folder, "chain.pem") == identity.intermediate.certificate + identity.root.certificate)
                    #expect(
                        try read(folder, "fullchain.pem") == identity.leaf.certificate
                            + identity.intermediate.certificate)
                    #expect(try mode(folder.path) == 0o755)
                    #expect(try mode(folder.path + "/store") == 0o700)
                    #expect(try mode(folder.path + "/store/identity") == 0o600)
                    #expect(try publish(&store, workspace) == .unchanged)
                }
            }
        }

        /// While another CA is asked, or whatever else is in the store: what is published stays.
        @Test func certificatesOfAnotherCAArePublishedForNobody() throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.root, identity.intermediate]) { workspace, store, folder in
                for trusted in [[identity.stranger], []] {
                    try fill(&store, identity, trusted)
                    #expect(try publish(&store, workspace) == .withheld)
                    #expect(PublishedFiles.current(in: workspace) == nil)
                }
                try fill(&store, identity, [identity.intermediate, identity.root])
                #expect(try publish(&store, workspace) == .published(.issued))
                let name = PublishedFiles.current(in: workspace)
                for trusted in [[identity.stranger], [], [identity.root]] {
                    try fill(&store, identity, trusted)
                    #expect(try publish(&store, workspace) == .withheld)
                    #expect(PublishedFiles.current(in: workspace) == name)
                    try check(folder)
                }
            }
        }

        @Test func keyOfAnotherCertificateIsNotPublished() throws {
            let identity = try Identity.shared.get()
            let other = try OpenSSLIdentity(subject: "/CN=gateway 7", issuedBy: identity.intermediate)
            try withFolder(identity, trusting: [identity.root, identity.intermediate]) { workspace, store, _ in
                KeyTests.provider.settings.existingKey = other.key
                try fill(&store, identity, [identity.root, identity.intermediate])
                #expect(throws: Output.Failure.self) { _ = try publish(&store, workspace) }
                #expect(PublishedFiles.current(in: workspace) == nil)
            }
        }

        /// A pass in which nothing is due puts right what somebody damaged.
        @Test(arguments: [
            "rm current", "ln -sfn issued/0000000000000000 current", "ln -sfn /nowhere current", "rm current/cert.pem",
            ": > current/ca.pem", "cp current/cert.pem current/chain.pem", "rm current/key.pem", ": > current/key.pem",
            "rm current/event", "chmod 644 current/key.pem", "chmod 600 current/cert.pem", "chmod 700 current/",
            "chmod 777 issued", "rm -r issued", "n=$(readlink current); rm -r $n; echo x > $n",
            "n=$(readlink current); rm -r $n; ln -s /tmp $n", "ln -sf /etc/passwd current/cert.pem",
            "mv current/ca.pem current/.hidden; rm current", "rm current/event current",
            "n=$(readlink current); ln -s /tmp x; mv -T x $n/ca.pem", "chmod 1755 issued",
            // Nobody waits for the other end of a pipe.
            "rm -r issued; mkfifo -m 755 issued", "n=$(readlink current); rm -r $n; mkfifo -m 755 $n",
            "rm current/ca.pem; mkfifo -m 644 current/ca.pem", "rm current/event; mkfifo -m 644 current/event",
            "rm current/key.pem; mkfifo -m 600 current/key.pem", "ln -s x current.new; mkdir -p x; rm current",
        ]) func damageIsMended(script: String) throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.root, identity.intermediate]) { workspace, store, folder in
                #expect(try publish(&store, workspace) == .published(.issued))
                let event = try read(folder, "event")
                try SoftHSM.run("/bin/sh", ["-c", "cd '\(folder.path)' && \(script)"])
                // Whoever was told of the set hears no more of it, unless the link named another in between, or nobody can
                // tell any more.
                let isOther = script.contains("0000000000000000")
                let isForgotten = script == "rm current/event current"
                #expect(
                    try publish(&store, workspace)
                        == (isOther ? .published(.renewed) : isForgotten ? .published(.issued) : .mended))
                if !isOther, !script.contains("rm -r"), !script.hasPrefix("rm current/event") {
                    #expect(try read(folder, "event") == event)
                }
                try check(folder)
                #expect(try publish(&store, workspace) == .unchanged)
            }
        }

        /// What is as it has to be is not written again: somebody may be watching it.
        @Test func onlyWhatIsDamagedIsWritten() throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.root, identity.intermediate]) { workspace, store, folder in
                #expect(try publish(&store, workspace) == .published(.issued))
                func number(_ name: String) -> ino_t {
                    var status = stat()
                    #expect(stat(folder.path + "/current/" + name, &status) == 0)
                    return status.st_ino
                }
                let names = ["cert.pem", "chain.pem", "fullchain.pem", "key.pem", "event"]
                let before = names.map(number)
                try FileManager.default.removeItem(atPath: folder.path + "/current/ca.pem")
                #expect(try publish(&store, workspace) == .mended)
                #expect(names.map(number) == before)
            }
        }

        /// Whoever goes back to what was there before hears of it as of any change.
        @Test func aSetThatComesAgainIsToldOf() throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.intermediate]) { workspace, store, folder in
                #expect(try publish(&store, workspace) == .published(.issued))
                let first = String(decoding: try read(folder, "event"), as: UTF8.self)
                let other = try OpenSSLIdentity(
                    subject: "/CN=gateway 7", for: TestKey.p256, issuedBy: identity.intermediate)
                try fill(&store, identity, [identity.intermediate], leaf: other)
                #expect(try publish(&store, workspace) == .published(.renewed))
                try fill(&store, identity, [identity.intermediate])
                #expect(try publish(&store, workspace) == .published(.renewed))
                #expect(
                    String(decoding: try read(folder, "event"), as: UTF8.self)
                        == first.replacing("SCEP_EVENT=issued", with: "SCEP_EVENT=renewed"))
                try check(folder, partial: true)
            }
        }

        /// Where the CA that issues is pinned, servers send it too, and there is a root if the CA sent it.
        @Test func pinnedIntermediateMakesAWholeChain() throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.intermediate]) { workspace, store, folder in
                #expect(try publish(&store, workspace) == .published(.issued))
                #expect(
                    try read(folder, "fullchain.pem") == identity.leaf.certificate + identity.intermediate.certificate)
                #expect(try read(folder, "ca.pem") == identity.intermediate.certificate)
                try check(folder, partial: true)
                let offered = identity.stranger.der + identity.root.der + identity.intermediate.der
                #expect(try publish(&store, workspace, offered: offered) == .published(.caCertificates))
                #expect(try read(folder, "ca.pem") == identity.root.certificate)
                #expect(try read(folder, "chain.pem") == identity.intermediate.certificate + identity.root.certificate)
                try check(folder)
            }
        }

        /// The set before the last one stays, for whoever is reading it; older ones go, with all that is in them.
        @Test func oldSetsAreRemoved() throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.intermediate]) { workspace, store, folder in
                func sets() throws -> [String] {
                    try FileManager.default.contentsOfDirectory(atPath: folder.path + "/issued").sorted()
                }
                func name() throws -> String {
                    String(decoding: try #require(PublishedFiles.current(in: workspace)), as: UTF8.self)
                }
                #expect(try publish(&store, workspace) == .published(.issued))
                let first = try name()
                #expect(try sets() == [first])
                // Sixteen digits of a digest.
                #expect(first.count == 16 && first.allSatisfy { $0.isHexDigit && !$0.isUppercase })
                _ = try folder.appending(path: "issued/\(first)").write([1], to: ".hidden")
                // What is no set is nobody's to remove.
                _ = try folder.appending(path: "issued").write([1], to: "file")
                #expect(mkfifo(folder.path + "/issued/pipe", 0o644) == 0)
                let offered = identity.root.der
                #expect(try publish(&store, workspace, offered: offered) == .published(.caCertificates))
                let second = try name()
                #expect(try sets() == [first, second, "file", "pipe"].sorted())
                #expect(
                    try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/current")
                        == "issued/\(second)")
                try check(folder)
                let event = String(decoding: try read(folder, "event"), as: UTF8.self)
                #expect(event.hasPrefix("SCEP_EVENT=ca-certificates\nSCEP_SERIAL="))
                try fill(&store, identity, [identity.root, identity.intermediate, identity.stranger])
                // The chain is the same, and so is the set.
                #expect(try publish(&store, workspace, offered: offered) == .unchanged)
                let renewed = try OpenSSLIdentity(
                    subject: "/CN=gateway 7", for: TestKey.p256, issuedBy: identity.intermediate)
                try fill(&store, identity, [identity.intermediate], leaf: renewed)
                #expect(try publish(&store, workspace, offered: offered) == .published(.renewed))
                let third = try name()
                #expect(try sets() == [second, third, "file", "pipe"].sorted())
                #expect(try read(folder, "cert.pem") == renewed.certificate)
                try check(folder)
                let words = try OpenSSL.run(
                    ["x509", "-noout", "-serial", "-enddate", "-fingerprint", "-sha256", "-dateopt", "iso_8601"],
                    input: renewed.certificate)
                let values = String(decoding: words, as: UTF8.self).split(separator: "\n")
                    .map { String($0.drop { $0 != "=" }.dropFirst()) }
                #expect(
                    String(decoding: try read(folder, "event"), as: UTF8.self) == """
                        SCEP_EVENT=renewed
                        SCEP_SERIAL=\(values[0].lowercased())
                        SCEP_NOT_AFTER=\(values[1].replacing(" ", with: "T"))
                        SCEP_FINGERPRINT=\(values[2].replacing(":", with: "").lowercased())
                        SCEP_SUBJECT=CN=gateway 7

                        """)
                // Nothing of it is open any more.
                let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
                }
                #expect(!open.contains { $0.hasPrefix(folder.path + "/issued") })
            }
        }

        /// What cannot be put in the place of what was published is said, and that stays.
        @Test(arguments: [
            ("mkdir -p current/x", "current: cannot be replaced: Is a directory"),
            ("mkdir -p current.new/x", "current: cannot be replaced: File exists"),
        ]) func whatIsInTheWayIsNamed(script: String, words: String) throws {
            let identity = try Identity.shared.get()
            try withFolder(identity, trusting: [identity.intermediate]) { workspace, store, folder in
                try SoftHSM.run("/bin/sh", ["-c", "cd '\(folder.path)'; \(script)"])
                let failure = try #require(throws: Output.Failure.self) { try publish(&store, workspace) }
                let message = String(decoding: failure.message, as: UTF8.self)
                #expect(failure.exit == .storage && message.contains("/identity/\(words)"), "\(message)")
            }
        }

        /// A root that was renewed with its key has its name and signs what it signed: any of the two will do.
        @Test func chainEndsAtTheRootThatIsGoodForLonger() throws {
            let identity = try Identity.shared.get()
            let old = identity.root
            let renewed = try withTemporaryDirectory { directory in
                try OpenSSLIdentity(
                    key: old.key,
                    pem: OpenSSL.run(
                        ["req", "-x509", "-subj", "/CN=Root", "-days", "4000", "-key"]
                            + [directory.write(old.key, to: "key")]))
            }
            for trusted in [[old, renewed, identity.intermediate], [renewed, identity.intermediate, old]] {
                try withFolder(identity, trusting: trusted) { workspace, store, folder in
                    #expect(try publish(&store, workspace) == .published(.issued))
                    #expect(try read(folder, "ca.pem") == renewed.certificate)
                    try check(folder)
                }
            }
        }
    }
}
