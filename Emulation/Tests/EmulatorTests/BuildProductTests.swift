import Foundation
import TestSupport
import Testing

@testable import Emulator

@Suite struct BuildProductTests {
    private static let product = BuildProduct("Boards/b/.build/image", from: ["Boards/b"], by: "make b")

    /// A checkout for `body`, which gets what writes a file of it, as last changed so many seconds after the others.
    private func withCheckout(_ body: (URL, _ write: (String, TimeInterval) throws -> URL) throws -> Void) throws {
        try withTemporaryDirectory { project in
            func write(_ name: String, _ time: TimeInterval) throws -> URL {
                let file = project.appending(path: name)
                let manager = FileManager.default
                try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data().write(to: file)
                try manager.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + time)], ofItemAtPath: file.path)
                return file
            }
            for name in ["Package.swift", "Sources/M/Part/M.swift", "Toolchain/mbedtls/build", "Boards/b/build"] {
                _ = try write(name, 0)
            }
            try body(project, write)
        }
    }

    /// So is one of the same age.
    @Test func productThatIsNewerThanItsSourcesIsTaken() throws {
        try withCheckout { project, write in
            for time in [0, 0.5, 100] {
                let image = try write("Boards/b/.build/image", time)
                try Self.product.check(in: project)
                #expect(try Self.product.file(in: project) == image)
            }
        }
    }

    /// Of several, the newest is named, with what builds the product.
    @Test(arguments: [
        "Package.swift", "Sources/M/Part/M.swift", "Sources/M/New.swift", "Toolchain/mbedtls/build", "Boards/b/build",
    ])
    func productThatIsOlderThanASourceIsRefused(name: String) throws {
        try withCheckout { project, write in
            let image = try write("Boards/b/.build/image", 10)
            _ = try write("Sources/M/Other.swift", 10.25)
            let source = try write(name, 10.5)
            let error = #expect(throws: BuildProductError.self) { try Self.product.check(in: project) }
            #expect(
                error?.description
                    == "\(image.path) is older than \(source.path), which it is built from; build it anew with: make b")
        }
    }

    @Test(arguments: ["Tests/T.swift", "Boards/c/build", "Boards/b/README.md", "Boards/b/.build/other"])
    func whatItIsNotBuiltFromMayBeNewer(name: String) throws {
        try withCheckout { project, write in
            _ = try write("Boards/b/.build/image", 10)
            _ = try write(name, 20)
            try Self.product.check(in: project)
        }
    }

    @Test func missingProductIsNamedWithWhatBuildsIt() throws {
        try withCheckout { project, write in
            let error = #expect(throws: BuildProductError.self) { try Self.product.file(in: project) }
            let image = project.appending(path: "Boards/b/.build/image").path
            #expect(error?.description == "\(image) is missing; build it with: make b")
        }
    }

    /// A source that was renamed is not left out of the comparison.
    @Test func missingSourceIsAnError() throws {
        try withCheckout { project, write in
            _ = try write("Boards/b/.build/image", 10)
            try FileManager.default.removeItem(at: project.appending(path: "Toolchain/mbedtls"))
            #expect(throws: CocoaError.self) { try Self.product.check(in: project) }
        }
    }

    /// What is edited while tests run is not what they test.
    @Test func productIsCheckedOnceInAProcess() throws {
        try withCheckout { project, write in
            let image = try write("Boards/b/.build/image", 10)
            #expect(try Self.product.file(in: project) == image)
            _ = try write("Package.swift", 20)
            #expect(try Self.product.file(in: project) == image)
            #expect(throws: BuildProductError.self) { try Self.product.check(in: project) }
        }
    }
}
