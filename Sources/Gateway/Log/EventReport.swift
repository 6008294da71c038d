import Agent
import Output

extension Report: EventFields {
    package mutating func field(_ name: StaticString, name der: Span<UInt8>) { field(name, text: Text(name: der)) }
}
