// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "virt-rv32",
    products: [.library(name: "Firmware", type: .static, targets: ["Firmware"])],
    dependencies: [.package(name: "EmbeddedSCEP", path: "../..")],
    targets: [
        .target(
            name: "Firmware",
            dependencies: [.product(name: "RISCV", package: "EmbeddedSCEP")],
            swiftSettings: [.strictMemorySafety(), .treatAllWarnings(as: .error)])
    ]
)
