import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

/// The target that `FUZZ_TARGET` names. It is an environment variable since libFuzzer starts itself again to merge, with
/// arguments of its own making.
nonisolated(unsafe) private var chosen: Target?

@c(LLVMFuzzerInitialize) func initialize(
    _ count: UnsafeMutablePointer<Int32>?,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> Int32 {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    if name == "list" {
        for target in Target.all { print(target.name) }
        exit(0)
    }
    if name == "seeds" {
        for (target, input) in Seeds.all {
            print(target, input.hex.uppercased())
        }
        exit(0)
    }
    guard let target = Target.all.first(where: { $0.name == name }) else {
        print("fuzz: FUZZ_TARGET names no target; 'list' lists them")
        exit(2)
    }
    chosen = target
    // What every input shares is made before the first one is timed and its coverage counted.
    target.run([])
    return 0
}

@c(LLVMFuzzerTestOneInput) func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen?.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
