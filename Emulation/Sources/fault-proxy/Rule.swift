import ArgumentParser
import Authority
import FaultProxy
import Interference

/// What is done to which replies.
struct Rule: ExpressibleByArgument {
    let interference: Interference
    let operation: CAOperation?
    let number: Int?

    init?(argument: String) {
        var rest = Substring(argument)
        var number: Int?
        if let mark = rest.lastIndex(of: "#") {
            guard let value = Int(rest[rest.index(after: mark)...]), value > 0 else { return nil }
            number = value
            rest = rest[..<mark]
        }
        var operation: CAOperation?
        if let mark = rest.lastIndex(of: "@") {
            guard let value = CAOperation(rawValue: String(rest[rest.index(after: mark)...])) else { return nil }
            operation = value
            rest = rest[..<mark]
        }
        guard let interference = Interference(String(rest)) else { return nil }
        self.interference = interference
        self.operation = operation
        self.number = number
    }

    func fits(_ request: FaultProxy.Request) -> Bool {
        (operation == nil || operation == request.operation) && (number == nil || number == request.number)
    }
}
