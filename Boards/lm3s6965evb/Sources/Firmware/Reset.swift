import CLM3S6965

/// What the stack is filled with at start-up; what still holds it was never used.
private let paint: UInt32 = 0xA5A5_A5A5

/// The first code of the firmware. Nothing but the stack and constants exist until the data is in place.
@c func resetHandler() {
    Stack.fill()
    Memory.start()
    SystemControl.start()
    main()
}

/// Static data (see `link.ld`); sections are whole words.
enum Memory {
    /// Bytes of flash that the image takes.
    static var flash: Int { Int(lm3s_flash_end()) }

    /// Bytes of SRAM that are spoken for: stack, data and zeroed data.
    static var ram: Int { Stack.size &+ Int(lm3s_bss_end() &- lm3s_data_start()) }

    fileprivate static func start() {
        var source = lm3s_data_load()
        var target = lm3s_data_start()
        while target < lm3s_data_end() {
            Register(target).value = Register(source).value
            source &+= 4
            target &+= 4
        }
        target = lm3s_bss_start()
        while target < lm3s_bss_end() {
            Register(target).value = 0
            target &+= 4
        }
    }
}

/// The stack, which grows down to the start of SRAM.
enum Stack {
    /// In bytes.
    static var size: Int { Int(lm3s_stack_top() &- lm3s_stack_bottom()) }

    /// The most bytes that were in use at any time since start-up.
    static var deepest: Int {
        var word = lm3s_stack_bottom()
        while word < lm3s_stack_top(), Register(word).value == paint { word &+= 4 }
        return Int(lm3s_stack_top() &- word)
    }

    /// Paints what is free, up to a little below the caller's frame.
    fileprivate static func fill() {
        var mark: UInt32 = 0
        let end = unsafe withUnsafeMutablePointer(to: &mark) { UInt(bitPattern: $0) &- 64 }
        var word = lm3s_stack_bottom()
        while word < end {
            Register(word).value = paint
            word &+= 4
        }
    }
}
