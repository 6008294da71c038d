// swift-tools-version: 6.2
import PackageDescription

/// Every module of the core is held to the same rules: no unchecked memory access, nothing that Embedded Swift
/// refuses, and no warning.
let core: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("EmbeddedRestrictions", as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableExperimentalFeature("RawLayout"),
    // A file that uses a member of a module imports that module.
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Where C hands over pointers, nearly every line would be marked as unsafe, which then says nothing.
let atBoundaryToC: [SwiftSetting] = Array(core.dropFirst())

let tests: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
]

/// Leftovers on the stack are searched for in these: all symbols are bound at the start, since whoever binds one later
/// saves all registers on the stack of whoever calls it first.
let boundAtStart: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]

// A module imports only modules above it.
let package = Package(
    name: "EmbeddedSCEP",
    products: [
        .library(
            name: "EmbeddedSCEP",
            targets: ["Bytes", "DeviceCrypto", "DER", "PKIX", "CMS", "HTTP", "SCEP", "Board", "Agent"]),
        // HTTPS, for firmware that has the space.
        .library(name: "TLS", targets: ["TLS"]),
        // The way to a CA through a factory's station, for devices, and for the station.
        .library(name: "Relay", targets: ["Relay"]),
        .library(name: "RelayHost", targets: ["RelayHost"]),
        // What boards that run Linux share.
        .library(name: "LinuxBoard", targets: ["LinuxBoard"]),
        // The C API, whose header is `scep.h`.
        .library(name: "CInterface", type: .static, targets: ["CSCEP", "CInterface"]),
        // What a program in C looks like that uses it.
        .executable(name: "c-enrol", targets: ["c-enrol"]),
        // What a firmware in Swift looks like that has a main loop of its own.
        .executable(name: "main-loop", targets: ["main-loop"]),
        // The program `scep` for gateways, as `Toolchain/gateway` links it: as Embedded Swift, which SwiftPM links for no Linux.
        .library(name: "GatewayMain", type: .static, targets: ["GatewayMain"]),
        // For fuzzing alone: what the program reads.
        .library(name: "Gateway", targets: ["Output", "Inspection", "Gateway"]),
        // For tests alone, of other packages too: what imports nothing of the core, keys, and storage that fails on purpose.
        .library(name: "TestSupport", targets: ["TestSupport"]),
        .library(name: "TestKeys", targets: ["TestKeys"]),
        .library(name: "SimulatedStorage", targets: ["SimulatedStorage"]),
    ],
    targets: [
        .target(name: "Bytes", swiftSettings: core),
        .target(name: "CMbedTLS", linkerSettings: [.linkedLibrary("mbedcrypto")]),
        .target(name: "DeviceCrypto", dependencies: ["CMbedTLS"], swiftSettings: core),
        .target(name: "DER", dependencies: ["Bytes"], swiftSettings: core),
        .target(name: "PKIX", dependencies: ["Bytes", "DeviceCrypto", "DER"], swiftSettings: core),
        .target(name: "CMS", dependencies: ["Bytes", "DeviceCrypto", "DER", "PKIX"], swiftSettings: core),
        .target(name: "HTTP", dependencies: ["Bytes"], swiftSettings: core),
        .target(
            name: "SCEP", dependencies: ["Bytes", "DeviceCrypto", "DER", "PKIX", "CMS"], swiftSettings: core),
        .target(name: "Board", dependencies: ["Bytes", "DeviceCrypto", "HTTP"], swiftSettings: core),
        .target(
            name: "CMbedTLSSSL", dependencies: ["CMbedTLS"],
            linkerSettings: [.linkedLibrary("mbedtls"), .linkedLibrary("mbedx509"), .linkedLibrary("mbedcrypto")]),
        .target(
            name: "TLS", dependencies: ["Bytes", "CMbedTLSSSL", "DeviceCrypto", "PKIX", "HTTP", "Board"],
            swiftSettings: core),
        .target(
            name: "Agent", dependencies: ["Bytes", "DeviceCrypto", "DER", "PKIX", "CMS", "HTTP", "SCEP", "Board"],
            swiftSettings: core),
        .target(name: "Relay", dependencies: ["Bytes", "DeviceCrypto", "Board", "Agent"], swiftSettings: core),
        // The station's side, which has a heap.
        .target(name: "RelayHost", dependencies: ["Board", "Relay"], swiftSettings: core),
        .target(name: "CLinux"),
        .target(name: "CPKCS11"),
        .target(name: "LinuxBoard", dependencies: ["CLinux", "Board"], swiftSettings: core),
        // What programs that have a heap write: text, PEM, reports, what went wrong.
        .target(
            name: "Output",
            dependencies: ["Bytes", "CLinux", "DeviceCrypto", "DER", "PKIX", "CMS", "HTTP", "SCEP", "Board", "Agent"],
            swiftSettings: core),
        // What stands in a file, and what the client makes of it.
        .target(
            name: "Inspection",
            dependencies: [
                "Bytes", "DeviceCrypto", "DER", "PKIX", "CMS", "HTTP", "SCEP", "Agent", "Output",
            ],
            swiftSettings: core),
        .target(
            name: "Gateway",
            dependencies: [
                "Bytes", "CLinux", "CPKCS11", "DeviceCrypto", "DER", "PKIX", "CMS", "HTTP", "SCEP", "Board", "TLS",
                "Agent", "LinuxBoard", "Output", "Inspection",
            ],
            swiftSettings: core),
        // The header for C, and what stands behind it.
        .target(name: "CSCEP"),
        .target(
            name: "CInterface",
            dependencies: ["CSCEP", "Bytes", "DeviceCrypto", "DER", "PKIX", "HTTP", "SCEP", "Board", "Agent"],
            swiftSettings: atBoundaryToC),
        .executableTarget(
            name: "c-enrol", dependencies: ["CSCEP", "CInterface"], path: "Examples/c-enrol",
            exclude: ["CMakeLists.txt", "Makefile"]),
        .executableTarget(
            name: "main-loop", dependencies: ["Bytes", "DeviceCrypto", "HTTP", "Board", "Agent", "LinuxBoard"],
            path: "Examples/main-loop", swiftSettings: [.strictMemorySafety()] + tests),
        // What a port to a part or an RTOS begins with: Docs/Porting.md.
        .target(name: "CVendor", path: "Examples/skeleton/CVendor"),
        .target(
            name: "Skeleton", dependencies: ["Board", "CVendor", "DeviceCrypto", "Agent"],
            path: "Examples/skeleton/Skeleton", swiftSettings: core),
        .target(name: "GatewayMain", dependencies: ["Gateway"], swiftSettings: core),
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: tests),
        .target(
            name: "TestKeys", dependencies: ["DeviceCrypto", "Agent", "TestSupport"], path: "Tests/Keys",
            swiftSettings: tests),
        .target(
            name: "SimulatedStorage", dependencies: ["Board"], path: "Tests/SimulatedStorage", swiftSettings: tests),
        // Whoever links it has other calls of the system than others have: for the tests of this package alone.
        .target(name: "CPretendedSystem", path: "Tests/CPretendedSystem"),
        .target(
            name: "PretendedSystem", dependencies: ["CPretendedSystem", "TestSupport"], path: "Tests/PretendedSystem",
            swiftSettings: tests),
        .testTarget(
            name: "DeviceCryptoTests", dependencies: ["DeviceCrypto", "TestKeys", "TestSupport"], swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"], swiftSettings: tests),
        .testTarget(name: "DERTests", dependencies: ["DER", "TestSupport"], swiftSettings: tests),
        .testTarget(
            name: "PKIXTests", dependencies: ["PKIX", "TestKeys", "TestSupport"], swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(
            name: "CMSTests", dependencies: ["CMS", "TestKeys", "TestSupport"], swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "TestSupport"], swiftSettings: tests),
        .testTarget(
            name: "BoardTests", dependencies: ["Board", "HTTP", "SimulatedStorage", "TestSupport"],
            swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(
            name: "LinuxBoardTests", dependencies: ["CLinux", "Board", "LinuxBoard", "PretendedSystem", "TestSupport"],
            swiftSettings: tests),
        .testTarget(name: "SCEPTests", dependencies: ["SCEP", "TestKeys", "TestSupport"], swiftSettings: tests),
        .testTarget(
            name: "TLSTests", dependencies: ["Agent", "TLS", "Gateway", "LinuxBoard", "TestKeys", "TestSupport"],
            swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(
            name: "AgentTests", dependencies: ["Agent", "Board", "SimulatedStorage", "TestKeys", "TestSupport"],
            swiftSettings: tests,
            linkerSettings: boundAtStart),
        .testTarget(
            name: "RelayTests",
            dependencies: ["Board", "HTTP", "Agent", "Relay", "RelayHost", "SimulatedStorage", "TestSupport"],
            swiftSettings: tests),
        .testTarget(name: "OutputTests", dependencies: ["Output", "TestSupport"], swiftSettings: tests),
        .target(
            name: "InspectionSupport", dependencies: ["Inspection", "TestKeys", "TestSupport"],
            path: "Tests/InspectionSupport",
            swiftSettings: tests),
        .testTarget(
            name: "InspectionTests", dependencies: ["Inspection", "InspectionSupport", "TestKeys", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "CPKCS11", "InspectionSupport", "PretendedSystem", "SimulatedStorage", "TestKeys",
                "TestSupport",
            ],
            swiftSettings: tests),
    ]
)

// What boards without an operating system share. No host can compile it, and `Toolchain/firmware` says that it does, and for
// which image: "usual", "https" with TLS in it, or "relay" without a network.
if let image = Context.environment["FIRMWARE_IMAGE"] {
    let isSecured = image == "https"
    let isRelayed = image == "relay"
    let bareMetal: [SwiftSetting] = [
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableExperimentalFeature("Lifetimes"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
    package.products += [
        // All that a board with such a processor is made of, but for its drivers.
        .library(
            name: "CortexM",
            targets: ["CBareMetal", "BareMetal", "CortexM", "VirtIO", "CLwIP", "LwIPNet", "FirmwareMain"]),
        .library(
            name: "RISCV",
            targets: ["CBareMetal", "BareMetal", "RISCV", "VirtIO", "CLwIP", "LwIPNet", "FirmwareMain"]),
    ]
    package.targets += [
        .target(name: "CBareMetal"),
        .target(name: "BareMetal", dependencies: ["CBareMetal", "Board", "Agent"], swiftSettings: bareMetal),
        .target(name: "CCortexM"),
        .target(
            name: "CortexM", dependencies: ["Bytes", "Board", "CBareMetal", "BareMetal", "CCortexM"],
            swiftSettings: bareMetal),
        .target(name: "CRISCV"),
        .target(
            name: "RISCV", dependencies: ["Bytes", "Board", "CBareMetal", "BareMetal", "CRISCV"],
            swiftSettings: bareMetal),
        // Devices that machines of several kinds have.
        .target(name: "VirtIO", dependencies: ["Board", "CBareMetal", "BareMetal"], swiftSettings: bareMetal),
        .target(name: "CLwIP"),
        .target(
            name: "LwIPNet", dependencies: ["Board", "CBareMetal", "BareMetal", "CLwIP"], swiftSettings: bareMetal),
        .target(name: "CFirmwareMain"),
        .target(
            name: "FirmwareMain",
            dependencies: ["Bytes", "DeviceCrypto", "Board", "Agent", "CBareMetal", "BareMetal", "CFirmwareMain"]
                + (isSecured ? ["TLS"] : []) + (isRelayed ? ["Relay"] : ["LwIPNet"]),
            exclude: isRelayed
                ? ["InTheClear", "Secured", "Networked"] : ["Relayed", isSecured ? "InTheClear" : "Secured"],
            swiftSettings: bareMetal),
    ]
}
