// swift-tools-version: 6.2
import PackageDescription

/// Ordinary Swift of this repository: no warning.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "Mutants",
    dependencies: [
        .package(url: "https://github.com/swiftlang/swift-syntax", exact: "603.0.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    ],
    targets: [
        // What a mutant is, and how it is planted.
        .target(
            name: "Mutation",
            dependencies: [
                .product(name: "SwiftSyntax", package: "swift-syntax"),
                .product(name: "SwiftParser", package: "swift-syntax"),
                .product(name: "SwiftOperators", package: "swift-syntax"),
            ],
            swiftSettings: strict),
        // What builds the copy, runs its tests and keeps the score.
        .target(name: "Trial", dependencies: ["Mutation"], swiftSettings: strict),
        .executableTarget(
            name: "mutants",
            dependencies: [
                "Trial", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // What stands between the tests and openssl.
        .executableTarget(name: "openssl-memo", swiftSettings: strict),
        .testTarget(name: "MutationTests", dependencies: ["Mutation"], swiftSettings: strict),
        .testTarget(name: "TrialTests", dependencies: ["Trial"], swiftSettings: strict),
    ]
)
