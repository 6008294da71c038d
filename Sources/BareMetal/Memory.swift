import CBareMetal

/// What the stack is filled with at start-up; what still holds it was never used.
private let paint: UInt32 = 0xA5A5_A5A5

/// Static data (see `Toolchain/firmware.ld`); sections are whole words.
public enum Memory {
    /// Bytes of flash that the image takes.
    public static var flash: Int { Int(linker_flash_end() &- linker_flash_start()) }

    /// Bytes of SRAM that are spoken for: stack, data and zeroed data.
    public static var ram: Int { Stack.size &+ Int(linker_bss_end() &- linker_data_start()) }

    /// Puts it in place.
    public static func start() {
        var source = linker_data_load()
        var target = linker_data_start()
        while target < linker_data_end() {
            Register(target).value = Register(source).value
            source &+= 4
            target &+= 4
        }
        target = linker_bss_start()
        while target < linker_bss_end() {
            Register(target).value = 0
            target &+= 4
        }
    }
}

/// The stack, which grows down to the start of SRAM.
public enum Stack {
    /// In bytes.
    public static var size: Int { Int(linker_stack_top() &- linker_stack_bottom()) }

    /// The most bytes that were in use at any time since start-up.
    public static var deepest: Int {
        var word = linker_stack_bottom()
        while word < linker_stack_top(), Register(word).value == paint { word &+= 4 }
        return Int(linker_stack_top() &- word)
    }

    /// Paints what is free, up to a little below the caller's frame.
    public static func fill() {
        var mark: UInt32 = 0
        let end = unsafe withUnsafeMutablePointer(to: &mark) { UInt(bitPattern: $0) &- 64 }
        var word = linker_stack_bottom()
        while word < end {
            Register(word).value = paint
            word &+= 4
        }
    }
}
