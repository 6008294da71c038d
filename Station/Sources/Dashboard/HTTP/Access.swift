/// Who gets pages.
struct Access: Sendable {
    /// Names of hosts that browsers may know the dashboard by, in lower case: a page that somebody else's server has a browser load,
    /// under a name that it makes point to this machine, has another.
    let names: Set<String>
    /// Nil where everybody who reaches the address may look.
    let token: String?
    /// Under which the browser keeps the token; a browser keeps one jar for all ports of a machine.
    let cookie: String

    init(_ address: Address, proxies: [ProxyName], token: String?) {
        names = Set(proxies.map(\.host) + (address.isLoopback ? ["localhost", "127.0.0.1", "[::1]"] : []))
        self.token = token
        // The prefix has the browser take it over TLS alone, and of this host alone.
        cookie = "__Host-scep-station-\(address.port)"
    }

    /// - Returns: what to answer instead of the page; nil if the page may be shown.
    func refusal(of head: RequestHead) -> Answer? {
        guard names.contains(Self.name(of: head.host)) else {
            return Answer(.misdirected, text: "This station is not known by that name.")
        }
        guard head.method == "GET" || head.method == "HEAD" else {
            var answer = Answer(.notAllowed, text: "This only shows; it changes nothing.")
            answer.fields = ["Allow: GET, HEAD"]
            return answer
        }
        guard let token else { return nil }
        if let given = head.query["token"], Self.areEqual(given, token) {
            // A page, and no redirect: a browser that comes from elsewhere, such as a mail, leaves a strict cookie out on
            // redirects, too.
            var answer = Answer(page: Page.entry)
            answer.fields = ["Set-Cookie: \(cookie)=\(token); Path=/; Secure; HttpOnly; SameSite=Strict"]
            return answer
        }
        guard let given = head.cookies[cookie], Self.areEqual(given, token) else {
            return Answer(
                .forbidden, text: "Open the address that the station printed when it started: it has the token.")
        }
        return nil
    }

    /// Without the port, which names nobody.
    private static func name(of host: String) -> String {
        let host = host.lowercased()
        if host.hasPrefix("[") { return host.firstIndex(of: "]").map { String(host[...$0]) } ?? host }
        return host.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
    }

    /// In a time that does not tell how much is right.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// 128 random bits.
    static func newToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
