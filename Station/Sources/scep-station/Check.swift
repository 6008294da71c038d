import ArgumentParser

struct Check: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say all that is wrong with a manifest, and start nothing.")

    @OptionGroup var options: ManifestOptions

    func perform() throws {
        guard let count = try options.check() else { throw Exit.manifest }
        print("\(options.manifest): \(count) devices, nothing wrong")
    }
}
