import Emulator
import Foundation
import Testing

/// The program that is run after each change.
@Suite struct ProgramHookTests {
    @Test func hookGetsTheEventInItsEnvironmentOnceForEachChange() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.write(
                    "hook", "#!/bin/sh\nenv | grep ^SCEP_ | sort >> '\(gateway.folder.path)/log'\n", mode: 0o755)
                try gateway.configure(for: server, ["hook = \(gateway.folder.path)/hook"])
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let fingerprint = try await gateway.fingerprint()
                let log = try gateway.read("log")
                #expect(log.contains("SCEP_EVENT=issued\n"))
                #expect(log.contains("SCEP_FINGERPRINT=\(fingerprint)\n"))
                #expect(log.contains("SCEP_SUBJECT=CN=gateway 7,O=Example\n"))
                #expect(log.contains("SCEP_CERTIFICATE=\(gateway.directory.path)/current/cert.pem\n"))
                #expect(try await gateway.scep("agent").ending == .exited(0))
                #expect(try gateway.read("log") == log, "it was run though nothing had changed")
                server.authority.moveClock(by: 200)
                #expect(try await gateway.scep("renew").ending == .exited(0))
                #expect(try gateway.read("log").contains("SCEP_EVENT=renewed\n"))
            }
        }
    }

    /// A hook that fails is reported and run again, and costs no certificate.
    @Test(arguments: [
        ("exit 3", "exit code 3"), ("kill -9 $$", "signal 9"), ("sleep 60", "ended after 1 s"),
        ("setsid sleep 60 & wait", "ended after 1 s"),
    ])
    func failureIsReportedAndMadeUpFor(_ script: String, _ words: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.write("hook", "#!/bin/sh\n\(script)\n", mode: 0o755)
                try gateway.configure(for: server, ["hook = \(gateway.folder.path)/hook", "hook-timeout = 1"])
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(8), "\(outcome)")
                #expect(outcome.error?.contains(words) == true, "\(outcome)")
                try await gateway.check()
                let status = try await gateway.scep("status --json")
                #expect(status.ending == .exited(8), "\(status)")
                #expect(try status.json["nextAttempt"] as? String == "hook")
                #expect((try status.json["lastError"] as? [String: Any])?["kind"] as? String == "hook-failed")
                try gateway.write("hook", "#!/bin/sh\ntouch '\(gateway.folder.path)/ran'\n", mode: 0o755)
                #expect(try await gateway.scep("agent").ending == .exited(0))
                #expect(try gateway.read("ran") == "")
            }
        }
    }

    @Test func hookThatIsNotThereIsNamed() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["hook = \(gateway.folder.path)/nothing"])
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(8), "\(outcome)")
                #expect(outcome.error?.contains("No such file") == true, "\(outcome)")
                let warning = outcome.lines.firstIndex { $0.contains("warning: the hook") }
                let question = outcome.lines.firstIndex { $0.contains("asking the CA") }
                #expect(try #require(warning) < #require(question), "\(outcome)")
                try await gateway.check()
            }
        }
    }
}
