import Authority
import AuthorityServer
import Emulator
import Foundation

/// A board in QEMU, as it comes from its factory: without an identity, and reached by its UART alone.
struct EmulatedBoard {
    /// Its Ethernet address, as on its label.
    let serial: String
    /// What the station is told of its place.
    let port: String
    private let device: Device
    private let options: BootOptions

    /// - Parameter number: below 100.
    init(number: Int, folder: URL, for server: AuthorityServer) throws {
        let address = ["52", "54", "00", "00", "00", number < 10 ? "0\(number)" : "\(number)"]
        serial = address.joined()
        let tcp = try freePort()
        port = "board-\(number)=tcp:127.0.0.1:\(tcp)"
        options = BootOptions(
            uart: "tcp:127.0.0.1:\(tcp),server=on,wait=off", ethernetAddress: address.joined(separator: ":"))
        let place = folder.appending(path: serial)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        // Of the checkout that the program is run in, as `make line` does.
        let project = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        guard let board = try BoardKind.machines(with: "relay", in: project).first else { throw NoBoard() }
        device = Device(board: board, image: try board.image("relay").file(in: project), folder: place)
        var record = ProvisioningRecord(
            url: server.url, fingerprint: try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal,
            challenge: "line", subject: "CN=\(serial),O=Simulated")
        record.key = "p256"
        record.others = ["challenge-use": "always"]
        try device.manufacture(record)
    }

    private struct NoBoard: Error, CustomStringConvertible {
        let description = "no board in Boards has an image called relay: run it in a checkout, as make line does"
    }

    func run() async throws {
        _ = try await device.powerUp(options: options, timeLimit: .seconds(3_600)) { running in try await running.end()
        }
    }
}
