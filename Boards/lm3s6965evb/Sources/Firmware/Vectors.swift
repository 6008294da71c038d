import CLM3S6965

// The Cortex-M3 vector table (Armv7-M Architecture Reference Manual, B1.5.3): the first stack pointer, the entry
// point, then the handlers of exceptions 2 to 15. No interrupt of a peripheral is enabled.

typealias Vector = @convention(c) () -> Void

@_extern(c, "__stack_top") func stackTop()
@_extern(c, "lm3s_fault_entry") func faultEntry()

@section(".vectors") @used
let vectors: InlineArray<16, Vector> = [
    stackTop, resetHandler,
    faultEntry, faultEntry, faultEntry, faultEntry, faultEntry,
    faultEntry, faultEntry, faultEntry, faultEntry, faultEntry,
    faultEntry, faultEntry, faultEntry, sysTickHandler,
]
