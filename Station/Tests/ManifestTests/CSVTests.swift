import Foundation
import TestSupport
import Testing

@testable import Manifest

@Suite("CSV is read as RFC 4180 has it")
struct CSVTests {
    private func records(_ text: String) throws -> [[String]] {
        var reader = CSVReader([UInt8](text.utf8))
        var records: [[String]] = []
        while let record = try reader.next() {
            records.append(record.fields.map { String(decoding: $0, as: UTF8.self) })
        }
        return records
    }

    /// The judge is Python's `csv`, in its strict mode.
    @Test(arguments: [
        "a,b\n1,2\n", "a,b\r\n1,2", "a,,\n,,", "\"a,b\",\"c\"\"d\"\n\"\n\",\"\"\n", "a\n\"x\r\ny\"\nz\n", " a , b \n",
        "ü,\"ß,\"\n",
        "\"\"\"\"\n", ",\n", "a\n\nb\n",
    ])
    func asPythonReadsIt(text: String) throws {
        let program = """
            import csv, io, json, sys
            text = sys.stdin.buffer.read().decode()
            rows = [row or [""] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
            print(json.dumps(rows, ensure_ascii=False), end="")
            """
        let output = try runProgram("/usr/bin/python3", ["-X", "utf8", "-c", program], input: [UInt8](text.utf8)).output
        let expected = try JSONDecoder().decode([[String]].self, from: Data(output))
        #expect(try records(text) == expected)
    }

    @Test(arguments: [
        ("a,b\nx,y\"z\n", CSVError(.quoteInside, 2, field: 1)), ("a\n\"x\ny\nz", CSVError(.quoteOpen, 2, field: 0)),
        ("a,b\n\"x\"y,z\n", CSVError(.behindQuote, 2, field: 0)), ("a\rb\n", CSVError(.carriageReturn, 1, field: 0)),
        ("a\nb,\"c\" ,d\n", CSVError(.behindQuote, 2, field: 1)),
    ])
    func whatIsNone(text: String, error: CSVError) {
        #expect(throws: error) { try records(text) }
    }

    @Test func recordsKnowTheirLines() throws {
        var reader = CSVReader([UInt8]("a\n\"1\n2\"\nb\n".utf8))
        var lines: [Int] = []
        while let record = try reader.next() { lines.append(record.line) }
        #expect(lines == [1, 2, 4])
    }
}
