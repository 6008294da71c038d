import ArgumentParser

@main
struct SCEPAuthority: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scep-authority", abstract: "A SCEP certificate authority for tests and demonstration.")
}
