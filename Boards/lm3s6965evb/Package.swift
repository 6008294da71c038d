// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableExperimentalFeature("Extern"),
]

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
            dependencies: ["CLM3S6965", "CLwIP", .product(name: "EmbeddedSCEP", package: "EmbeddedSCEP")],
            swiftSettings: settings),
    ]
)
