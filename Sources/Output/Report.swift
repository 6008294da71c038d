/// What a command found out, for a person or for a program: one description makes the lines and the JSON alike, so that
/// neither has what the other lacks.
///
/// Lines are `name: value`, two blanks deeper for what belongs to an object, `- ` before what is an item of a list. Names
/// are those of the standards, in the letter case of ASN.1 (`serialNumber`), and the same in both forms.
package struct Report: ~Copyable {
    package enum Form {
        case lines, json
    }

    package private(set) var text = Text()
    private let form: Form
    /// What is open: for each object or list in the outermost object, whether it is a list.
    private var isList: [Bool] = []
    /// How deep in objects and lists; the outermost object is 0.
    private var depth: Int { isList.count }
    /// JSON: whether something stands before, on each level. Lines: whether the next line begins an item.
    private var isFollowing = [false]
    private var beginsItem = false

    package init(_ form: Form) {
        self.form = form
        if form == .json { text.append("{") }
    }

    // MARK: values

    @inline(never)
    package mutating func field(_ name: StaticString, _ value: StaticString) {
        field(name, text: Text(value))
    }

    /// - Parameter value: of any origin.
    @inline(never)
    package mutating func field(_ name: StaticString, text value: [UInt8]) {
        field(name, bytes: value.span)
    }

    /// - Parameter value: text of any origin.
    @inline(never)
    package mutating func field(_ name: StaticString, bytes value: Span<UInt8>) {
        begin(name)
        switch form {
        case .lines: text.append(printable: value)
        case .json: text.append(json: value)
        }
        end()
    }

    @inline(never)
    package mutating func field(_ name: StaticString, number: Int) {
        begin(name)
        text.append(decimal: number)
        end()
    }

    @inline(never)
    package mutating func field(_ name: StaticString, isTrue: Bool) {
        begin(name)
        switch form {
        case .lines: text.append(isTrue ? "yes" : "no")
        case .json: text.append(isTrue ? "true" : "false")
        }
        end()
    }

    @inline(never)
    package mutating func field(_ name: StaticString, hex value: Span<UInt8>) {
        var digits = Text()
        digits.append(hex: value)
        field(name, text: digits)
    }

    /// - Parameter time: seconds since 1970-01-01T00:00:00Z.
    @inline(never)
    package mutating func field(_ name: StaticString, time: Int64) {
        var value = Text()
        value.append(time: time)
        field(name, text: value)
    }

    /// An item of a list that is a text.
    @inline(never)
    package mutating func item(_ value: Span<UInt8>) {
        beginsItem = true
        begin(nil)
        switch form {
        case .lines: text.append(printable: value)
        case .json: text.append(json: value)
        }
        end()
    }

    @inline(never)
    package mutating func item(_ value: StaticString) {
        item(Text(value).span)
    }

    /// An item of a list that is a check: `- result name: reason`, an object with these three in JSON.
    ///
    /// - Parameter reason: text of any origin.
    @inline(never)
    package mutating func check(_ name: StaticString, _ result: StaticString, _ reason: Span<UInt8>) {
        switch form {
        case .lines:
            var line = Text(result)
            line.append(" ")
            line.append(name)
            line.append(": ")
            line.append(reason)
            item(line.span)
        case .json:
            beginItem()
            field("name", name)
            field("result", result)
            field("reason", bytes: reason)
            endItem()
        }
    }

    // MARK: structure

    @inline(never)
    package mutating func beginObject(_ name: StaticString) { open(name, isList: false) }
    @inline(never)
    package mutating func endObject() { close() }
    @inline(never)
    package mutating func beginList(_ name: StaticString) { open(name, isList: true) }
    @inline(never)
    package mutating func endList() { close() }

    /// Begins an object that is an item of a list.
    @inline(never)
    package mutating func beginItem() {
        beginsItem = true
        switch form {
        case .lines: break
        case .json:
            begin(nil)
            text.append("{")
        }
        descend(isList: false)
    }

    @inline(never)
    package mutating func endItem() {
        beginsItem = false
        close()
    }

    /// Where the report stands, for ``close(to:)``.
    package var mark: Int { depth }

    /// Ends all that was begun since ``mark`` was this, for who was thrown out of the middle of a description.
    @inline(never)
    package mutating func close(to mark: Int) {
        beginsItem = false
        while depth > mark { close() }
    }

    /// All of it, ended by a line ending; nothing can be added any more.
    package consuming func finish() -> [UInt8] {
        if form == .json { text.append("}\n") }
        return text
    }

    @inline(never)
    private mutating func open(_ name: StaticString, isList: Bool) {
        begin(name)
        switch form {
        case .lines:
            // The colon's blank is not wanted at the end of a line.
            text.removeLast()
            text.append("\n")
        case .json: text.append(isList ? "[" : "{")
        }
        descend(isList: isList)
    }

    @inline(never)
    private mutating func close() {
        guard let wasList = isList.popLast() else { return }
        isFollowing.removeLast()
        if form == .json { text.append(wasList ? "]" : "}") }
    }

    @inline(never)
    private mutating func descend(isList: Bool) {
        self.isList.append(isList)
        isFollowing.append(false)
    }

    @inline(never)
    private mutating func begin(_ name: StaticString?) {
        switch form {
        case .lines:
            // An item's mark takes the place of the last two blanks.
            let blanks = 2 * depth - (beginsItem && name != nil ? 2 : 0)
            for _ in 0..<max(blanks, 0) { text.append(UInt8(ascii: " ")) }
            if beginsItem { text.append("- ") }
            beginsItem = false
            guard let name else { return }
            text.append(name)
            text.append(": ")
        case .json:
            beginsItem = false
            if isFollowing[depth] { text.append(",") }
            isFollowing[depth] = true
            guard let name else { return }
            text.append(json: Text(name).span)
            text.append(":")
        }
    }

    @inline(never)
    private mutating func end() {
        if form == .lines { text.append("\n") }
    }
}
