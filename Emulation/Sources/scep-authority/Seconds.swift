import ArgumentParser
import Foundation

/// The seconds of `text`: a number and s, m, h, d or y (365 days), or a number of seconds. `name` is what it stands for.
func seconds(_ text: String, of name: String) throws -> TimeInterval {
    let units: [Character: TimeInterval] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "y": 365 * 86_400]
    let unit = text.last.flatMap { units[$0] }
    guard let count = Double(unit == nil ? text : String(text.dropLast())), count.magnitude < 1e10 else {
        throw ValidationError("\(name) \(text): write a number and s, m, h, d or y, as in 90d")
    }
    return count * (unit ?? 1)
}
