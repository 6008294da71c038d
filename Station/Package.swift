// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("MemberImportVisibility")]
let tests: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// The factory line: ordinary Swift for a host. A module imports only modules above it. Firmware projects depend on the
// package above this one, so nothing named here reaches them.
let package = Package(
    name: "Station",
    products: [.executable(name: "scep-station", targets: ["scep-station"])],
    dependencies: [
        .package(name: "EmbeddedSCEP", path: ".."),
        // For tests alone: a certificate authority.
        .package(name: "Emulation", path: "../Emulation"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // A station's own key, for checkpoints and reports.
        .target(
            name: "Signing",
            dependencies: [
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "Gateway", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // What is planned: a manifest, and the profiles that it names.
        .target(
            name: "Manifest",
            dependencies: [
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "Gateway", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // What happened: devices, attempts, certificates and the audit trail, on SQLite or PostgreSQL.
        .target(
            name: "Ledger",
            dependencies: [
                "CPostgreSQL", "Signing", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        // A device's key and certificate, where the station makes them: the core's own client and formats.
        .target(
            name: "Provisioning",
            dependencies: [
                "Ledger", "Manifest", "Signing", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "Gateway", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
                .product(name: "TLS", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // Devices, one by one or many at once, from planned to verified.
        .target(name: "Line", dependencies: ["Ledger", "Manifest", "Provisioning"], swiftSettings: strict),
        // Devices that make their own keys, plugged into the station's ports: the relay.
        .target(
            name: "Ports",
            dependencies: [
                "Ledger", "Line", "Manifest", "Provisioning", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"), .product(name: "Relay", package: "EmbeddedSCEP"),
                .product(name: "RelayHost", package: "EmbeddedSCEP"), .product(name: "TLS", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // A batch's record for people and programs; and what pages are made of.
        .target(
            name: "Reports",
            dependencies: [
                "Ledger", "Signing", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // What people at the line look at, in a browser.
        .target(
            name: "Dashboard",
            dependencies: [
                "Ledger", "Line", "Reports", .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "scep-station",
            dependencies: [
                "Dashboard", "Ledger", "Line", "Manifest", "Ports", "Provisioning", "Reports", "Signing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict),
        // For tests and the simulated line: a device at the other end of a port.
        .target(
            name: "VirtualDevice",
            dependencies: [
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"), .product(name: "Relay", package: "EmbeddedSCEP"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // `make line`: devices by the hundred, the authority, and the station's program between them.
        .executableTarget(
            name: "simulated-line",
            dependencies: [
                "VirtualDevice", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Authority", package: "Emulation"), .product(name: "Emulator", package: "Emulation"),
            ],
            swiftSettings: tests),
        // `make bench-line`
        .executableTarget(
            name: "station-bench",
            dependencies: ["Ledger", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: tests),
        .target(
            name: "StationSupport",
            dependencies: ["Ledger", .product(name: "TestSupport", package: "EmbeddedSCEP")], path: "Tests/Support",
            swiftSettings: tests),
        .testTarget(
            name: "LineTests",
            dependencies: [
                "Ledger", "Line", "Manifest", "Provisioning", "StationSupport",
                .product(name: "Authority", package: "Emulation"), .product(name: "Emulator", package: "Emulation"),
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "PortsTests",
            dependencies: [
                "Ledger", "Line", "Manifest", "Ports", "Provisioning", "StationSupport", "VirtualDevice",
                .product(name: "Authority", package: "Emulation"),
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"), .product(name: "Relay", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "StationProgramTests",
            dependencies: [
                "Ledger", "StationSupport", "scep-station", "simulated-line",
                .product(name: "Authority", package: "Emulation"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "SigningTests",
            dependencies: ["Signing", .product(name: "TestSupport", package: "EmbeddedSCEP")], swiftSettings: tests),
        .testTarget(
            name: "ManifestTests",
            dependencies: ["Manifest", .product(name: "TestSupport", package: "EmbeddedSCEP")], swiftSettings: tests),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Ledger", "Reports", "Signing", "StationSupport",
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "DashboardTests",
            dependencies: [
                "Dashboard", "Ledger", "Line", "StationSupport",
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "Signing", "StationSupport", .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: tests),
    ]
)
