extension PEM {
    /// A structure as a text of its own.
    static func encode(_ label: StaticString, _ der: Span<UInt8>) -> Text {
        var text = Text()
        write(label, der, to: &text)
        return text
    }
}
