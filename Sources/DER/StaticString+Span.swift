/// The bytes of a literal.
@_lifetime(immortal)
public func span(of text: StaticString) -> Span<UInt8> {
    // A literal's bytes are never freed, which the compiler cannot see.
    unsafe _overrideLifetime(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount), copying: ())
}
