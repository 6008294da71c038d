import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import LinuxBoard
import Manifest

/// Hands over what the station made for a device: a folder of files for the line's flasher, whole or not there.
public struct Delivery: Sendable {
    public enum Form: String, Sendable, CaseIterable {
        /// `identity.bin`: the identity partition.
        case image
        /// `flash.bin`: the data flash of this project's boards (Docs/Manufacture.md).
        case flash
        /// `key.pem`, `certificate.pem`, `chain.pem`.
        case pem
        /// `identity.p12`.
        case pkcs12

        /// The names of its files.
        var files: [String] {
            switch self {
            case .image: ["identity.bin"]
            case .flash: ["flash.bin"]
            case .pem: ["key.pem", "certificate.pem", "chain.pem"]
            case .pkcs12: ["identity.p12"]
            }
        }
    }

    /// Where the folders are; nobody else may enter it.
    public let folder: WorkFolder
    public let forms: Set<Form>
    /// The file whose first line is the password of each PKCS#12; nil where there is none.
    public let passwordFile: String?

    public init(to folder: WorkFolder, forms: Set<Form>, passwordFile: String? = nil) {
        self.folder = folder
        self.forms = forms
        self.passwordFile = passwordFile
    }

    /// Where a device's files are, or will be.
    public func place(of serial: String) -> URL { folder.folder(of: serial) }

    /// Files of the forms that are asked for which are not there, of a device that was handed over before.
    public func missing(of serial: String) -> [String] {
        forms.flatMap(\.files).filter {
            !FileManager.default.fileExists(atPath: place(of: serial).appending(path: $0).path)
        }
        .sorted()
    }

    /// Makes the files of what the station's client stored.
    ///
    /// - Parameter configuration: the device's text, for its provisioning record; wiped on return.
    public func deliver(
        _ device: ManifestDevice, from work: WorkFolder, configuration: inout [UInt8]
    ) throws -> URL {
        defer { for index in configuration.indices { configuration[index] = 0 } }
        let stored = try work.open(device.serial)
        defer { stored.close() }
        var files: [(name: String, content: [UInt8])] = []
        defer {
            for number in files.indices {
                for index in files[number].content.indices { files[number].content[index] = 0 }
            }
        }
        if forms.contains(.image) || forms.contains(.flash) {
            let image = try IdentityImage.make(of: stored, for: device.partition)
            if forms.contains(.image) { files.append(("identity.bin", image)) }
            if forms.contains(.flash) { files.append(("flash.bin", try flash(configuration, image))) }
        }
        if forms.contains(.pem) || forms.contains(.pkcs12) {
            let identity = try PEMIdentity(of: stored)
            if forms.contains(.pem) { files += identity.files }
            if forms.contains(.pkcs12) {
                files.append(
                    ("identity.p12", try identity.pkcs12(name: device.serial, passwordFile: passwordFile ?? "")))
            }
        }
        return try write(files, for: device.serial)
    }

    private func flash(_ configuration: [UInt8], _ identity: [UInt8]?) throws -> [UInt8] {
        guard configuration.count <= ProvisioningRecord.textLimit else {
            throw DeliveryError.recordTooLong(configuration.count)
        }
        guard identity?.count ?? 0 <= FlashLayout.identity.size else { throw DeliveryError.partitionTooLarge }
        var random = RandomGenerator()
        defer { random.wipe() }
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        return try FactoryFlash.make(configuration: configuration, identity: identity, random: &random)
    }

    /// All of it on the disk before it has its name.
    private func write(_ files: [(name: String, content: [UInt8])], for serial: String) throws -> URL {
        let place = place(of: serial)
        let new = place.appendingPathExtension("new")
        if FileManager.default.fileExists(atPath: new.path) {
            try wipeFiles(below: new)
            try FileManager.default.removeItem(at: new)
        }
        guard mkdir(new.path, 0o700) == 0 else { throw WorkFolderError(new.path, errno) }
        for file in files { try writePrivately(file.content, to: new.appending(path: file.name)) }
        if FileManager.default.fileExists(atPath: place.path) { try folder.wipe(serial) }
        guard rename(new.path, place.path) == 0 else { throw WorkFolderError(place.path, errno) }
        try syncFolder(folder.url)
        return place
    }
}

public enum DeliveryError: Error, Equatable, CustomStringConvertible {
    case recordTooLong(Int)
    case partitionTooLarge
    case notStored
    case noPKCS12(String)

    public var description: String {
        switch self {
        case .recordTooLong(let size):
            "the device's configuration has \(size) bytes, of \(ProvisioningRecord.textLimit) that fit into a provisioning record"
        case .partitionTooLarge:
            "the identity partition has more than the \(FlashLayout.identity.size) bytes that it has in flash.bin"
        case .notStored: "the station holds no identity of this device"
        case .noPKCS12(let reason): "openssl made no PKCS#12: \(reason)"
        }
    }
}

func syncFolder(_ folder: URL) throws {
    guard let descriptor = Descriptor(path: (folder.path + "\0").utf8Array.span, O_RDONLY | O_DIRECTORY) else {
        throw WorkFolderError.notMade(folder.path, String(cString: strerror(errno)))
    }
    defer { descriptor.close() }
    try descriptor.sync()
}
