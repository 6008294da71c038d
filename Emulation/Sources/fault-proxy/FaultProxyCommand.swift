import ArgumentParser
import CommandOutput
import Dispatch
import FaultProxy
import Foundation
import Interference

@main
struct FaultProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault-proxy",
        abstract: "Stand before a SCEP server of this machine, and do to its replies what a bad network does.",
        discussion: """
            Rules are <what>[@<operation>][#<number>]: what is done to a reply, of which operation, and of which exchange, \
            counted from 1. The first rule that fits is applied. Replies can be treated so: cut-17 and break-17 (the \
            stream ends, or is broken off, after 17 bytes), stall-17 (nothing more comes), flip-1034 (this bit is turned \
            over), delay-20 (it comes 20 s late), trickle (a byte a second), double, stale and reordered (an earlier reply \
            comes in its place), lost-request, or any forgery that --list names.
            """)

    @Option(help: "Port of the SCEP server on this machine.")
    var upstream: UInt16?

    @Option(help: "Port to listen on; 0 takes a free one.")
    var port: UInt16 = 0

    @Option(name: .customLong("do"), help: ArgumentHelp("A rule; may be repeated.", valueName: "rule"))
    var rules: [Rule] = []

    @Flag(help: "List the forgeries.")
    var list = false

    func run() async throws {
        if list {
            for forgery in Forgery.all { print(forgery.name) }
            return
        }
        guard let upstream else { throw ValidationError("--upstream names the port of the SCEP server") }
        let rules = rules
        let proxy = try FaultProxy(port: port, upstream: upstream) { request in
            let rule = rules.first { $0.fits(request) }
            say(
                "\(request.number) \(request.operation?.rawValue ?? "-") \(rule.map { "\($0.interference)" } ?? "passed on")"
            )
            return rule?.interference
        }
        say("port \(proxy.port)")
        // For as long as nobody ends it.
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}
