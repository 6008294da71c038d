// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Leftovers on the stack are searched for in these: all symbols are bound at the start, since whoever binds one later
/// saves all registers on the stack of whoever calls it first.
let boundAtStart: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]

// Ordinary host Swift: what the emulated boards talk to, and the tests that put both together. Firmware projects
// depend on the package above this one, so nothing named here reaches them.
let package = Package(
    name: "Emulation",
    products: [
        .library(name: "Authority", targets: ["Authority", "AuthorityServer"]),
        .library(name: "Emulator", targets: ["Emulator"]),
        .library(name: "FaultProxy", targets: ["FaultProxy", "Interference"]),
        .executable(name: "bench-authority", targets: ["bench-authority"]),
        .executable(name: "enroll", targets: ["enroll"]),
        .executable(name: "fault-proxy", targets: ["fault-proxy"]),
        .executable(name: "interfere", targets: ["interfere"]),
        .executable(name: "power-cuts", targets: ["power-cuts"]),
        .executable(name: "scep-authority", targets: ["scep-authority"]),
        .executable(name: "soak", targets: ["soak"]),
    ],
    dependencies: [
        .package(name: "EmbeddedSCEP", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "LibCrypto", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(name: "Authority", dependencies: ["LibCrypto"], swiftSettings: strict),
        .target(
            name: "AuthorityServer",
            dependencies: ["Authority", .product(name: "FlyingSocks", package: "FlyingFox")],
            swiftSettings: strict),
        .executableTarget(
            name: "scep-authority",
            dependencies: [
                "Authority", "AuthorityServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "enroll",
            dependencies: [
                "Authority", "AuthorityServer", "Emulator", "LibCrypto",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "Emulator",
            dependencies: [
                "LibCrypto",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(name: "CommandOutput", swiftSettings: strict),
        .target(name: "Interference", dependencies: ["Authority"], swiftSettings: strict),
        .target(name: "FaultProxy", dependencies: ["Authority", "Interference"], swiftSettings: strict),
        .executableTarget(
            name: "fault-proxy",
            dependencies: [
                "Authority", "CommandOutput", "FaultProxy", "Interference",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "InProcess",
            dependencies: ["Authority", "Interference", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP")],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(
            name: "PowerCuts",
            dependencies: [
                "Authority", "AuthorityServer", "InProcess", "Interference", "LibCrypto",
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "SimulatedStorage", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .executableTarget(
            name: "interfere",
            dependencies: [
                "CommandOutput", "PowerCuts", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "soak",
            dependencies: [
                "Authority", "AuthorityServer", "CommandOutput", "Emulator", "FaultProxy", "Interference",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .executableTarget(
            name: "bench-authority",
            dependencies: [
                "Authority", "AuthorityServer", "CommandOutput", "Emulator", "FaultProxy", "LibCrypto",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "power-cuts",
            dependencies: [
                "CommandOutput", "PowerCuts", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "EmulationTestSupport",
            dependencies: [
                "AuthorityServer", "Emulator", .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
                .product(name: "RelayHost", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            path: "Tests/Support",
            swiftSettings: strict),
        .testTarget(
            name: "AuthorityTests",
            dependencies: [
                "Authority", "AuthorityServer", "Emulator", "LibCrypto", "EmulationTestSupport", "bench-authority",
                "scep-authority",
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EnrolmentTests",
            dependencies: [
                "Authority", "AuthorityServer", "Emulator", "EmulationTestSupport", "FaultProxy", "Interference",
                "LibCrypto", "enroll", "fault-proxy", "soak", .product(name: "main-loop", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CInterfaceTests",
            dependencies: [
                "Authority", "AuthorityServer", "EmulationTestSupport", "LibCrypto",
                .product(name: "CInterface", package: "EmbeddedSCEP"),
                .product(name: "c-enrol", package: "EmbeddedSCEP"),
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
                .product(name: "SimulatedStorage", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .testTarget(
            name: "GatewayProgramTests",
            dependencies: [
                "Authority", "AuthorityServer", "Emulator", "EmulationTestSupport", "LibCrypto",
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "BootTests",
            dependencies: ["Authority", "AuthorityServer", "Emulator", "LibCrypto"],
            swiftSettings: strict),
        .testTarget(
            name: "LifeTests",
            dependencies: [
                "Authority", "AuthorityServer", "EmulationTestSupport", "InProcess", "Interference", "LibCrypto",
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
                .product(name: "Relay", package: "EmbeddedSCEP"),
                .product(name: "SimulatedStorage", package: "EmbeddedSCEP"),
                .product(name: "TestKeys", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")],
            linkerSettings: boundAtStart),
        .testTarget(
            name: "OracleTests",
            dependencies: [
                "COpenSSL", "Emulator", "LibCrypto", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .testTarget(
            name: "PowerCutsTests",
            dependencies: [
                "Authority", "PowerCuts", "Interference", "LibCrypto",
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "SimulatedStorage", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .testTarget(
            name: "EmulatorTests",
            dependencies: [
                "Emulator", "EmulationTestSupport", "LibCrypto", .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict),
    ]
)
