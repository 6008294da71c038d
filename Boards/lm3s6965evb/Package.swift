// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableExperimentalFeature("Extern"),
]

// `build https` makes the image with TLS. It differs in one folder: what it has instead of plain TCP, and the memory for it.
let isSecured = Context.environment["FIRMWARE_HTTPS"] == "1"
// `build relay` makes the image without a network, which reaches its CA through a factory's station.
let isRelayed = Context.environment["FIRMWARE_RELAY"] == "1"

// A firmware package of its own, as a firmware team has one: it takes EmbeddedSCEP as its only dependency.
// `build` beside it cross-compiles and links it.
let package = Package(
    name: "lm3s6965evb",
    products: [
        .library(name: "Firmware", type: .static, targets: ["Firmware"])
    ],
    dependencies: [
        .package(name: "EmbeddedSCEP", path: "../..")
    ],
    targets: [
        .target(name: "CLM3S6965"),
        .target(name: "CLwIP"),
        .target(
            name: "Firmware",
            dependencies: ["CLM3S6965", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP")]
                + (isSecured ? [.product(name: "TLS", package: "EmbeddedSCEP")] : [])
                + (isRelayed ? [.product(name: "Relay", package: "EmbeddedSCEP")] : ["CLwIP"]),
            exclude: isRelayed
                ? ["InTheClear", "Secured", "Networked"] : ["Relayed", isSecured ? "InTheClear" : "Secured"],
            swiftSettings: settings),
    ]
)
