import Foundation

/// Seconds since 1970 in a format of Unicode's TR 35, in UTC and in English.
public func utc(_ time: Int64, _ format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = format
    return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(time)))
}
