import Gateway

/// The program `scep`; all of it is in `Gateway`, so that tests can link that without a second `main`.
@c(main) func main(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    unsafe run(count, arguments)
}
