import Emulator
import Testing

/// Which instructions a processor has is known at run time only.
@Suite struct ProcessorTests {
    /// QEMU's Core 2 has no instructions for AES, and stops a program at one. This machine, and QEMU's ARM, have them.
    @Test(arguments: Kind.chosen(from: [.amd64, .staticAMD64]))
    func noneForAESWillDo(kind: Kind) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                let outcome = try await gateway.shell(
                    "/usr/bin/qemu-x86_64 -cpu core2duo $SCEP enroll --config \(gateway.folder.path)/scep.conf")
                #expect(outcome.ending == .exited(0), "\(outcome)")
                try await gateway.check()
            }
        }
    }
}
