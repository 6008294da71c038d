import Foundation
import TestSupport
import Testing

@testable import Manifest

@Suite("A manifest is read, and all that is wrong with it is told")
struct ManifestReaderTests {
    private static let profile = """
        # All sensors
        url = http://ca.example/scep
        fingerprint = \(String(repeating: "ab", count: 32))
        subject = CN={serial},O=Example
        key = p256
        challenge-use = always
        """

    private func read(
        _ text: String, profile: String = profile, command: Bool = false
    ) -> (devices: [ManifestDevice], problems: [String]) {
        var problems: [String] = []
        let report = { (problem: ManifestProblem) in
            problems.append((problem.profile.map { "\($0): " } ?? "") + "\(problem)")
        }
        let reader = ManifestReader(
            [UInt8](text.utf8), hasChallengeCommand: command,
            profile: {
                $0 == nil || $0 == "sensor" ? Profile([UInt8](profile.utf8), file: "sensor.conf", report: report) : nil
            },
            report: report)
        var devices: [ManifestDevice] = []
        while let device = reader.next() { devices.append(device) }
        return (devices, problems)
    }

    @Test func aRowStandsAgainstTheProfile() throws {
        let (devices, problems) = read(
            "\u{FEFF}serial,challenge,key,batch,x-line,label\r\n0001,secret 1,,B7,north,L1\r\n0002,s2,rsa2048,B7,,\r\n")
        #expect(problems == [])
        #expect(devices.map(\.serial) == ["0001", "0002"] && devices[0].batch == "B7" && devices[0].label == "L1")
        #expect(devices[0].carried == ["x-line": "north"] && devices[1].carried == [:])
        let text = String(decoding: devices[1].text(), as: UTF8.self)
        #expect(
            text.contains("subject=CN=0002,O=Example\n") && text.contains("key=rsa2048\n") && !text.contains("p256"))
        #expect(text.hasSuffix("challenge=s2\n"))
        #expect(!devices[0].configuration.contains { $0.name == "challenge" })
    }

    @Test func linesOfJSONAreTheSame() {
        let (devices, problems) = read(
            #"{"serial":"0001","challenge":"a","x-line":"n\u00f6rd"}"# + "\n\n"
                + #"{"challenge":"b","serial":"0002","batch":null}"#)
        #expect(problems == [])
        #expect(devices.map(\.serial) == ["0001", "0002"] && devices[0].carried == ["x-line": "nörd"])
    }

    @Test func aColumnBeyondASCIIIsTakenAsItIs() throws {
        let (devices, problems) = read("serial,challenge\nMüller ü,c\n")
        let subject = try #require(devices.first?.configuration.first { $0.name == "subject" }?.value)
        #expect(problems == [] && subject == "CN=Müller ü,O=Example")
    }

    /// The names come out of a certification request as they went into the manifest.
    @Test(arguments: ["Mueller, Soehne + Co", " #1 ", "a\\b\"c\";<d>=", "x=y,O=Evil"])
    func aColumnStaysOneValueWithinASubject(value: String) throws {
        let quoted = "\"" + value.replacing("\"", with: "\"\"") + "\""
        let (devices, problems) = read(
            "serial,x-name,challenge\n1,\(quoted),c\n", profile: Self.profile.replacing("{serial}", with: "{x-name}"))
        try #require(problems == [] && devices.count == 1)
        let subject = try #require(devices[0].configuration.first { $0.name == "subject" }?.value)
        try withTemporaryDirectory { folder in
            let file = try folder.write(SubjectRequest.der(subject), to: "name")
            let words = try OpenSSL.run(["asn1parse", "-inform", "DER", "-in", file])
            #expect(
                String(decoding: words, as: UTF8.self).contains("STRING        :\(value)\n"),
                "\(String(decoding: words, as: UTF8.self))")
        }
    }

    @Test func allThatIsWrongIsToldAtOnce() {
        let (devices, problems) = read(
            """
            serial,subject,challenge,profile,colour,san
            1,CN=a,c,,red,
            1,CN=b,c,,red,
            ,CN=c,c,,red,
            4,nonsense,c,,red,
            5,CN=e,c,gadget,red,
            6,CN=f,c,,red
            7,CN=g,c,sensor,red,DNS:a b
            8,CN=h,\(String(repeating: "x", count: 256)),,red,
            """)
        #expect(devices.map(\.serial) == ["1"])
        #expect(
            problems == [
                "line 1, column colour: there is no such column: names are serial, batch, profile, part, port, label, those of a device's configuration, and x-… for what the reports are to have",
                "line 3, column serial: '1' is on line 2 already", "line 4, column serial: it is empty",
                "line 5, column subject: nonsense: no = follows; a comma within a value is written \\,, at character 1",
                "line 6, column profile: there is no usable profile 'gadget'",
                "line 7: 5 values for 6 columns: a value with a comma in it stands in quotation marks",
                "line 8, column san: DNS:a b: a character that such a name cannot have; host names have letters, digits, - . * and _ (others: xn--...), at character 6",
                "line 9, column challenge: a challenge has at most 255 bytes",
            ])
    }

    @Test(arguments: [
        ("", "the file is empty"),
        ("serial;key\n1;p256\n", "line 1: the columns are separated by semicolons: save the file with commas"),
        ("serial\tkey\n1\tp256\n", "line 1: the columns are separated by tabulators: save the file with commas"),
        ("\"serial\";\"key\"\n1;p256\n", "line 1: the columns are separated by semicolons: save the file with commas"),
        ("serial;x-a,b\n1;2\n", "line 1: the columns are separated by semicolons: save the file with commas"),
        (
            "sep=;\r\nserial;key\r\n1;p256\r\n",
            "line 1: 'sep=;' is a line of Excel's own, and no header: take it out, and save the file with commas"
        ),
        (
            "\"sep=,\"\nserial,key\n1,p256\n",
            "line 1: '\"sep=,\"' is a line of Excel's own, and no header: take it out, and save the file with commas"
        ),
        ("serial,challenge\n", "there are no devices in it: each has a line of its own behind the header"),
        ("serial,challenge\r\n,\r\n\r\n", "there are no devices in it: each has a line of its own behind the header"),
        ("name\nx\n", "line 1: there is no column serial, which tells one device from another"),
        ("serial,serial\n1,2\n", "line 1, column serial: this column is there twice; take one out"),
        (
            "serial,challenge\n\"1,c\n",
            "line 2, column serial: the quotation mark that begins this value is not closed: what follows could not be read"
        ),
        ("serial,x-a\n1,\"a\nb\"\n", "line 2, column x-a: a line end or another control character within the value"),
        ("{\"serial\":1}", "line 1, column serial: values are texts: put it into quotation marks"),
        ("{\"serial\":\"1\"", "line 1: this is no JSON: each line is one object, {\"serial\": \"…\", …}"),
        (
            "{\"serial\":\"1\",\"colour\":\"red\",\"challenge\":\"c\"}",
            "line 1, column colour: there is no such column: names are serial, batch, profile, part, port, label, those of a device's configuration, and x-… for what the reports are to have"
        ),
    ])
    func whatIsNoManifest(text: String, problem: String) {
        #expect(read(text).problems.contains(problem), "\(read(text).problems)")
        // One mistake, one sentence, but where the lines are those of another file.
        if problem.contains("separated by") || problem.contains("no devices") {
            #expect(read(text).problems.count == 1, "\(read(text).problems)")
        }
    }

    @Test func otherEncodingsAreNamed() {
        var problems: [String] = []
        func read(_ bytes: [UInt8]) -> [String] {
            problems = []
            let reader = ManifestReader(bytes, profile: { _ in Profile([UInt8](Self.profile.utf8)) { _ in } }) {
                problems.append("\($0)")
            }
            while reader.next() != nil {}
            return problems
        }
        #expect(read([0xFF, 0xFE, 0x73, 0]) == ["the file is UTF-16: save it as UTF-8"])
        #expect(
            read([UInt8]("serial,x-a\n1,M".utf8) + [0xFC] + [UInt8]("ller\n".utf8))
                == ["line 2, column x-a: the value is not UTF-8: save the file as UTF-8"])
    }

    @Test func aChallengeThatIsFetchedIsNoColumn() {
        let (devices, problems) = read("serial\n1\n", command: true)
        #expect(problems == [] && devices[0].challenge == nil)
        #expect(String(decoding: devices[0].text(challenge: "otp"), as: UTF8.self).hasSuffix("challenge=otp\n"))
        #expect(
            read("serial,challenge\n1,c\n", command: true).problems == [
                "line 2, column challenge: there is a challenge-command too: one of them"
            ])
    }

    /// Two devices in the ledger must not be one to whoever reads their labels.
    @Test(arguments: ["e\u{301}", "A\u{200B}", "\u{202E}B", "A\u{AD}", "\u{E000}", "A\u{A0}B", "\u{2028}", "\u{212B}"])
    func aSerialHasOneSpelling(serial: String) {
        let (devices, problems) = read("serial,challenge\n\(serial),c\n")
        #expect(devices.isEmpty && problems.count == 1, "\(problems)")
    }

    @Test(arguments: ["..", "-x", "a/b", "é", String(repeating: "9", count: 64), "S 1", "序列号"])
    func aSerialIsWhateverALabelHas(serial: String) {
        let (devices, problems) = read("serial,challenge\n\(serial),c\n")
        #expect(devices.map(\.serial) == [serial] && problems == [])
    }

    /// A thousand devices have one profile, and its author one mistake.
    @Test(arguments: [
        ("key = p256", "key = p999", "sensor.conf: line 5, column key: the device's client does not take 'p999'"),
        (
            "subject = CN={serial},O=Example", "subject = CN={serial},nonsense",
            "sensor.conf: line 4, column subject: CN={serial},nonsense: no = follows; a comma within a value is written \\,, at character 6"
        ),
        ("key = p256", "san = DNS:a b", "sensor.conf: line 5, column san: DNS:a b: a character that such a name"),
        (
            "CN={serial}", "CN={seriel}",
            "sensor.conf: line 4, column subject: nothing is known as {seriel}: the manifest has {serial}, {challenge}"
        ),
        (
            "CN={serial}", "CN={label}",
            "sensor.conf: line 4, column subject: nothing is known as {label}: the manifest has {serial}, {challenge}"
        ),
        (
            "url = http://ca.example/scep", "",
            "sensor.conf: column url: it has no value, neither in the profile nor in a column of the manifest"
        ),
        (
            "url = http://ca.example/scep", "url = nonsense",
            "sensor.conf: line 2, column url: the device's client does not"
        ),
    ])
    func aMistakeOfTheProfileIsToldOnce(right: String, wrong: String, problem: String) {
        let rows = "serial,challenge\n" + (1...50).map { "\($0),c\n" }.joined()
        let (devices, problems) = read(rows, profile: Self.profile.replacing(right, with: wrong))
        #expect(devices.isEmpty && problems.count == 1 && problems[0].hasPrefix(problem), "\(problems)")
    }

    @Test func aProfileThatIsNotThereIsToldOnce() {
        let (devices, problems) = read("serial,challenge,profile\n1,c,gadget\n2,c,gadget\n3,c,sensor\n4,c,thing\n")
        #expect(devices.map(\.serial) == ["3"])
        #expect(
            problems == [
                "line 2, column profile: there is no usable profile 'gadget'",
                "line 5, column profile: there is no usable profile 'thing'",
            ])
    }

    /// What a row puts into the profile's text is the row's mistake.
    @Test func aMistakeOfTheRowIsToldOfTheRow() {
        let (devices, problems) = read(
            "serial,challenge,x-host,key\n1,c,a b,\n2,c,ok,\n3,c,ok,p999\n4,c,,\n",
            profile: Self.profile + "\nsan = DNS:{x-host}")
        #expect(devices.map(\.serial) == ["2"])
        #expect(problems.count == 3 && problems[0].hasPrefix("line 2, column san: DNS:a b: "), "\(problems)")
        #expect(problems[1] == "line 4, column key: the device's client does not take 'p999'")
        #expect(problems[2] == "line 5, column x-host: the profile's san has {x-host} in it, and there is no value")
    }

    @Test func linesOfJSONWithoutAnyoneElsesColumnAreTold() {
        let lines = (1...9).map { "{\"serial\":\"\($0)\",\"challenge\":\"c\"}\n" }.joined()
        let (_, problems) = read(lines, profile: Self.profile.replacing("{serial}", with: "{seriel}"))
        #expect(
            problems == ["sensor.conf: line 4, column subject: nothing is known as {seriel}: there is no such column"])
    }
}
