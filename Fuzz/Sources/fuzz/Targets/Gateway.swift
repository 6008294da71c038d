import DER
import DeviceCrypto
import PKIX
import SCEP

@testable import Gateway
@testable import Inspection
@testable import Output

/// The program's configuration file, and what the agent makes of it.
func readConfigurationFile(_ input: [UInt8]) {
    var settings = Settings()
    settings.file = Text("scep.conf")
    do throws(Failure) {
        try ConfigurationFile.read(input, into: &settings)
    } catch {
        require(!error.message.isEmpty, "a failure has words")
        return
    }
    // Files that it names are not read here.
    guard settings[.challengeFile] == nil, let text = try? AgentText(settings) else { return }
    if let refusal = text.refusal(settings) { require(!refusal.message.isEmpty, "a refusal has words") }
}

/// What is written of alternative names is shown as a text that makes the same ones.
func writeAltNames(_ input: [UInt8]) {
    func names(_ text: [UInt8]) -> [UInt8] {
        writing(capacity: 2 * text.count + 4096) { writer throws(DERError) in try writer.write(altNames: text.span) }
    }
    let written = names(input)
    var reader = DERReader(written.span)
    guard !input.isEmpty, !written.isEmpty else { return }
    guard let list = try? reader.read(.sequence) else { return require(false, "names are a SEQUENCE") }
    var text: [UInt8] = []
    guard (try? text.append(generalNames: list)) != nil else {
        return require(false, "names that were written are read")
    }
    // An identifier whose second arc is beyond 2^28 has no dotted form here.
    require(
        names(text) == written || text.firstRange(of: [UInt8](":#")) != nil, "the text of names makes the same names")
}

/// What is read of PEM is the same when it is written and read again.
func readPEM(_ input: [UInt8]) {
    guard let blocks = try? PEM.blocks(input.span) else { return }
    for block in blocks {
        var text: [UInt8] = []
        PEM.write("CERTIFICATE", block.bytes.span, to: &text)
        let again = try? PEM.blocks(text.span)
        require(again?.count == 1 && again?.first?.bytes == block.bytes, "PEM says the same again")
    }
    require(blocks.isEmpty || PEM.isIn(input.span), "where there are blocks there is PEM")
}

/// `scep inspect` of any file, as lines or as JSON, with and without something to compare with.
func inspectFile(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let choice = input.byte()
    var options = InspectOptions()
    if choice & 2 != 0 { options.ca = Authority.trusted }
    if choice & 4 != 0 { options.fingerprints = Authority.fingerprint }
    if choice & 8 != 0 { options.moment = .exact(1_767_225_600) }
    options.showsChallenge = choice & 16 != 0
    let file = input.remainder()
    guard var inspection = try? Inspection(options, seededRandom()) else { return }
    var report = Report(choice & 1 == 0 ? .lines : .json)
    swap(&inspection.report, &report)
    inspection.report.beginList("files")
    inspection.describe(file: Text("file"), file)
    inspection.report.endList()
    inspection.describeSummary()
    swap(&inspection.report, &report)
    let text = report.finish()
    for byte in text { require(byte >= 0x20 && byte != 0x7F || byte == 0x0A, "no control is written to a terminal") }
}
