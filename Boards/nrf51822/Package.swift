// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "nrf51822",
    products: [.library(name: "Firmware", type: .static, targets: ["Firmware"])],
    dependencies: [.package(name: "EmbeddedSCEP", path: "../..")],
    targets: [
        .target(
            name: "Firmware",
            dependencies: [.product(name: "CortexM", package: "EmbeddedSCEP")],
            swiftSettings: [.strictMemorySafety(), .treatAllWarnings(as: .error)])
    ]
)
