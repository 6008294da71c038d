/// What the ledger's tables hold: text and whole numbers. Certificates and digests are text too (base64, hexadecimal), so that
/// both databases have the same.
public enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)

    init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .null }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral text: String) { self = .text(text) }
    public init(integerLiteral number: Int64) { self = .integer(number) }
}

/// One row of a query's result, by its columns' names.
public struct SQLRow: Sendable {
    let columns: [String]
    let values: [SQLValue]

    private func value(_ column: String) throws(LedgerError) -> SQLValue {
        guard let index = columns.firstIndex(of: column) else { throw .damaged("the column \(column) is missing") }
        return values[index]
    }

    func text(_ column: String) throws(LedgerError) -> String {
        guard let text = try textIfAny(column) else { throw .damaged("the column \(column) is empty") }
        return text
    }

    func textIfAny(_ column: String) throws(LedgerError) -> String? {
        switch try value(column) {
        case .null: return nil
        case .text(let text): return text
        case .integer: throw .damaged("the column \(column) holds a number")
        }
    }

    func integer(_ column: String) throws(LedgerError) -> Int {
        guard let number = try integerIfAny(column) else { throw .damaged("the column \(column) is empty") }
        return number
    }

    func integerIfAny(_ column: String) throws(LedgerError) -> Int? {
        switch try value(column) {
        case .null: return nil
        case .integer(let number): return Int(number)
        case .text(let text):
            throw .damaged("the column \(column) holds '\(text.prefix(20))', which is no number")
        }
    }
}
