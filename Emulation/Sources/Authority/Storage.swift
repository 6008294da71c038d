import Foundation

/// The authority's folder: `ca.pem`, `crl.der`, `database.json`, `issued/SERIAL.pem`, and a folder for each generation
/// of the CA with its certificates and keys.
enum Storage {
    static func load(_ directory: URL?) throws -> Authority.State? {
        guard let directory else { return nil }
        let file = directory.appendingPathComponent("database.json")
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let database = try JSONDecoder().decode(Database.self, from: Data(contentsOf: file))
        var generations: [Hierarchy] = []
        while FileManager.default.fileExists(atPath: folder(directory, generations.count).path) {
            generations.append(try Hierarchy(savedIn: folder(directory, generations.count)))
        }
        guard database.current < generations.count else {
            throw CAConfigurationError(
                "\(directory.path) lacks \(folder(directory, database.current).lastPathComponent): "
                    + "remove the folder to start afresh")
        }
        return Authority.State(database: database, generations: generations)
    }

    static func save(_ state: Authority.State, in directory: URL?) throws {
        guard let directory else { return }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (index, hierarchy) in state.generations.enumerated()
        where !FileManager.default.fileExists(atPath: folder(directory, index).path) {
            try hierarchy.save(in: folder(directory, index))
        }
        try Data(state.current.root.certificate.pem()).write(to: directory.appendingPathComponent("ca.pem"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let file = directory.appendingPathComponent("database.json")
        try encoder.encode(state.database).write(to: file, options: .atomic)
        // It holds passwords.
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    static func save(issued pem: [UInt8], serial: String, in directory: URL?) throws {
        guard let folder = directory?.appendingPathComponent("issued") else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(pem).write(to: folder.appendingPathComponent("\(serial).pem"))
    }

    static func save(list der: [UInt8], in directory: URL?) throws {
        guard let directory else { return }
        try Data(der).write(to: directory.appendingPathComponent("crl.der"))
    }

    private static func folder(_ directory: URL, _ index: Int) -> URL {
        directory.appendingPathComponent("ca-\(index + 1)")
    }
}
