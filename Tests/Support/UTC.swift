import Foundation

/// Seconds since 1970 as HTTP writes them (RFC 9110, 5.6.7).
public func httpDate(_ time: Int64) -> String { utc(time, "EEE, dd MMM yyyy HH:mm:ss 'GMT'") }

/// Seconds since 1970 in a format of Unicode's TR 35, in UTC and in English.
public func utc(_ time: Int64, _ format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = format
    return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(time)))
}
