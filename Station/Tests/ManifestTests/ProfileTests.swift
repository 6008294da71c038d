import Testing

@testable import Manifest

@Suite("A profile is read")
struct ProfileTests {
    private func read(_ text: String) -> (profile: Profile, problems: [String]) {
        var problems: [String] = []
        let profile = Profile([UInt8](text.utf8)) { problems.append("\($0)") }
        return (profile, problems)
    }

    @Test func wordsOfTheStation() {
        let (profile, problems) = read(
            "key-origin=station\r\npartition-size = 8192\nsector-size=4096\npage-size=8\nerased=00\nsnapshot-capacity=4000"
        )
        #expect(problems == [] && profile.keyOrigin == .station)
        #expect(
            profile.partition
                == Profile.Partition(size: 8192, sectorSize: 4096, pageSize: 8, erasedValue: 0, snapshotCapacity: 4000))
    }

    @Test(arguments: [
        ("colour = red", "line 1, column colour: there is no such name; a device's configuration has url, "),
        ("\nkey", "line 2: a line is: name = value"), ("key =", "line 1, column key: it has no value; "),
        ("key=p256\nkey=p384", "line 2, column key: it is set above already; "),
        ("key-origin=moon", "line 1, column key-origin: it is device or station"),
        ("erased=12", "line 1, column erased: it is FF or 00"),
        ("page-size=0", "line 1, column page-size: it is a number from 1 to 2048"),
        ("partition-size=5000", "column partition-size: the partition is no whole number of sectors"),
        ("subject=CN={serial", "line 1, column subject: a brace {"),
        ("subject=CN=}", "line 1, column subject: a brace {"),
        ("subject=CN={}", "line 1, column subject: a brace {"),
        ("subject=CN=\u{1}", "line 1: a line end or another control"),
    ])
    func whatIsWrong(text: String, problem: String) {
        let problems = read(text).problems
        #expect(problems.count == 1 && problems[0].hasPrefix(problem), "\(problems)")
    }

    @Test func bracesThatAreMeantAreDoubled() {
        #expect(Template("a{{b}}{x}c")?.pieces == [.text("a{b}"), .name("x"), .text("c")])
    }

    @Test func aValueThatIsMissingIsNamed() {
        let profile = read("subject=CN={serial},OU={x-site}").profile
        let (values, missing) = profile.values(for: ["serial": "1"])
        #expect(missing.map(\.1) == ["x-site"] && values.count == 1)
    }
}
