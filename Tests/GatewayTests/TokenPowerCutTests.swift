import Foundation
import PretendedSystem
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// What a gateway remembers of a token, on a disk that keeps what was synced, and no more.
extension KeyTests.TokenKeyTests {
    /// Or else each power cut would have another of a token's few tries used up.
    @Test func aRefusedPINIsRememberedThroughAPowerCut() throws {
        try withToken(pin: "000000") { token, directory, provider in
            let disk = try LossyDisk(directory)
            #expect(failure { _ = try generated(.p256) } == .token(.wrongPIN))
            provider.close()
            // Somebody logs in, which clears the token's memory of it, so that one more would show.
            try token.tool(["--list-objects"])
            try withTemporaryDirectory { left in
                try disk.afterPowerCut(in: left)
                provider.settings.token?.folder = Array(left.path.utf8)
                #expect(failure { _ = try generated(.p256) } == .token(.pinRefusedBefore))
                let seen = try token.hasSeenWrongPIN()
                #expect(!seen)
            }
        }
    }

    /// The same when power fails before the answer was noted: the token says itself that a PIN was wrong.
    @Test func aPINIsNotTriedAgainWhoseAnswerWasLost() throws {
        try withToken(pin: "000000") { token, directory, provider in
            let disk = try LossyDisk(directory)
            #expect(failure { _ = try generated(.p256) } == .token(.wrongPIN))
            provider.close()
            // The last sync is the folder's, with the new name of the file.
            try withTemporaryDirectory { left in
                try disk.afterPowerCut(in: left, after: disk.syncCount - 1)
                provider.settings.token?.folder = Array(left.path.utf8)
                let names = try FileManager.default.contentsOfDirectory(atPath: left.path)
                #expect(names.filter { $0.hasPrefix("pin") } == ["pin-refused.new"])
                #expect(failure { _ = try generated(.p256) } == .token(.pinRefusedBefore))
                provider.close()
                // From now on it is remembered as any other, whatever the token forgets.
                try token.tool(["--list-objects"])
                #expect(failure { _ = try generated(.p256) } == .token(.pinRefusedBefore))
                let seen = try token.hasSeenWrongPIN()
                #expect(!seen)
            }
        }
    }

    /// One that was right is tried again, since the token says so.
    @Test func aRightPINOutlivesAPowerCut() throws {
        try withToken { _, directory, provider in
            let disk = try LossyDisk(directory)
            let before = disk.syncCount
            try provider.check()
            provider.close()
            for syncs in before...disk.syncCount {
                try withTemporaryDirectory { left in
                    try disk.afterPowerCut(in: left, after: syncs)
                    provider.settings.token?.folder = Array(left.path.utf8)
                    #expect(failure { try provider.check() } == nil, "\(syncs)")
                    provider.close()
                }
            }
        }
    }

    /// Keys are marked with a number that is on the disk before the first of them is made.
    @Test func whoseKeysTheyAreIsKnownAfterAPowerCut() throws {
        try withToken { _, directory, _ in
            let disk = try LossyDisk(directory)
            let store = directory.appending(path: "store")
            for folder in [directory, store] {
                let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY)
                #expect(fsync(descriptor) == 0)
                close(descriptor)
            }
            _ = try generated(.p256)
            let owner = try Data(contentsOf: store.appending(path: "owner"))
            try withTemporaryDirectory { left in
                try disk.afterPowerCut(in: left)
                let kept = left.appending(path: "store/owner")
                #expect(!owner.isEmpty && (try? Data(contentsOf: kept)) == owner)
            }
        }
    }
}
