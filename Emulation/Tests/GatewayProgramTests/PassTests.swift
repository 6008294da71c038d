import Authority
import Emulator
import Foundation
import Testing

/// `scep agent` as a timer starts it: one pass, which waits for nothing.
@Suite struct PassTests {
    /// What failed is left until its time, and a pass before that asks nobody; there is no certificate all the same.
    @Test func passBeforeTheNextTryHasNoCertificateYet() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                // However slow the machine, the second pass comes before the next try.
                try gateway.configure(for: server, ["retry = 86400", "retry-cap = 86400"])
                server.authority.setFaults([FaultRule(.status(503))])
                #expect(try await gateway.scep("agent").ending == .exited(2))
                let deferred = try await gateway.scep("agent")
                #expect(deferred.ending == .exited(5), "\(deferred)")
                #expect(deferred.lines.contains { $0.contains("the next one is due at") }, "\(deferred)")
                #expect(deferred.error?.contains("there is no certificate") == true, "\(deferred)")
                server.authority.setFaults([])
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                #expect(try await gateway.scep("agent").ending == .exited(0))
            }
        }
    }

    /// Another CA is asked for a first certificate of its own: what it says of that is no word on a renewal.
    @Test func refusalByAnotherCAIsOfTheEnrolment() async throws {
        try await withAuthority { first in
            try await withAuthority({ $0.policy = .refuse(Refusal(.badRequest, "no")) }) { second in
                try await Gateway.with(.amd64) { gateway in
                    try gateway.configure(for: first, ["challenge-use = always"])
                    #expect(try await gateway.scep("enroll").ending == .exited(0))
                    try gateway.configure(for: second, ["challenge-use = always"])
                    let refused = try await gateway.scep("agent")
                    #expect(refused.ending == .exited(4), "\(refused)")
                    #expect(refused.error?.contains("renew") == false, "\(refused)")
                    try await gateway.check()
                }
            }
        }
    }
}
