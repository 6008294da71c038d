// swift-tools-version: 6.2
import PackageDescription

// A firmware package of its own, as a firmware team has one: it takes EmbeddedSCEP as its only dependency.
// `build` beside it compiles it for each kind of machine and links `scep-device`.
let package = Package(
    name: "linux",
    products: [
        .library(name: "Firmware", type: .static, targets: ["Firmware"])
    ],
    dependencies: [
        .package(name: "EmbeddedSCEP", path: "../..")
    ],
    targets: [
        .target(
            name: "Firmware",
            dependencies: [
                .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP"),
                .product(name: "LinuxBoard", package: "EmbeddedSCEP"),
            ],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableExperimentalFeature("Lifetimes"),
            ])
    ]
)
