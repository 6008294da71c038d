// swift-tools-version: 6.2
import PackageDescription

// One program with all targets, which libFuzzer drives; `Fuzz/run` builds it with the sanitizers and says which target.
let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "EmbeddedSCEP", path: "..")],
    targets: [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                .product(name: "CInterface", package: "EmbeddedSCEP"),
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "Gateway", package: "EmbeddedSCEP"),
                .product(name: "Relay", package: "EmbeddedSCEP"),
                .product(name: "RelayHost", package: "EmbeddedSCEP"),
                .product(name: "SimulatedStorage", package: "EmbeddedSCEP"),
                .product(name: "TestSupport", package: "EmbeddedSCEP"),
            ],
            swiftSettings: [.treatAllWarnings(as: .error), .enableExperimentalFeature("Lifetimes")])
    ]
)
