import CPKCS11
import Synchronization
import Testing

/// How a module's functions are called, with a table whose functions are the test's.
@Suite(.serialized) struct ModuleCallTests {
    /// What the functions do, and what they were asked.
    private struct Script {
        /// For each call of C_FindObjects: how many it finds, and what it returns.
        var portions: [(count: CK_ULONG, result: CK_RV)] = []
        var asked: [CK_ULONG] = []
        var results: [CK_RV] = []
        var flags: [CK_FLAGS] = []
        var finals = 0
        var length: CK_ULONG = 0
        var mechanisms: [CK_MECHANISM_TYPE] = []
        var next: CK_ULONG = 100
    }

    private static let script = Mutex(Script())

    private static func next() -> CK_RV {
        script.withLock { $0.results.isEmpty ? CK_RV(CKR_OK) : $0.results.removeFirst() }
    }

    private func with<Result>(_ start: Script, _ body: (inout CK_FUNCTION_LIST) throws -> Result) rethrows -> Result {
        Self.script.withLock { $0 = start }
        var list = CK_FUNCTION_LIST()
        return try body(&list)
    }

    private var seen: Script { Self.script.withLock { $0 } }

    @Test(
        arguments: [
            // What is asked for, what comes, how many there are, and how much space each call was told of.
            (5, [2, 2, 0], 4, [5, 3, 1]), (4, [2, 2], 4, [4, 2]), (4, [4], 4, [4]), (1, [1], 1, [1]), (3, [0], 0, [3]),
            // More than there is space for is none of them.
            (2, [3, 0], 0, [2, 2]), (4, [3, 2, 0], 3, [4, 1, 1]),
        ] as [(CK_ULONG, [CK_ULONG], CK_ULONG, [CK_ULONG])])
    func objectsComeInPortions(capacity: CK_ULONG, portions: [CK_ULONG], count: CK_ULONG, asked: [CK_ULONG]) {
        // A call beyond those would go on for ever.
        let start = Script(portions: portions.prefix(8).map { ($0, CK_RV(CKR_OK)) })
        with(start) { list in
            list.C_FindObjectsInit = { _, _, _ in ModuleCallTests.next() }
            list.C_FindObjects = { _, objects, capacity, found in
                ModuleCallTests.script.withLock { script in
                    script.asked.append(capacity)
                    let portion = script.portions.isEmpty ? (0, CK_RV(CKR_OK)) : script.portions.removeFirst()
                    for index in 0..<Int(min(portion.0, capacity)) {
                        objects?[index] = script.next
                        script.next += 1
                    }
                    found?.pointee = portion.0
                    return portion.1
                }
            }
            list.C_FindObjectsFinal = { _ in
                ModuleCallTests.script.withLock { $0.finals += 1 }
                return CK_RV(CKR_OK)
            }
            var objects = [CK_OBJECT_HANDLE](repeating: 0, count: 16)
            var number = capacity
            let result = pkcs11_find(&list, 1, nil, 0, &objects, &number)
            #expect(result == CKR_OK && number == count)
            if count != 3 { #expect(objects.prefix(Int(count)) == (100..<(100 + count)).map { $0 }[...]) }
            #expect(seen.asked == asked && seen.finals == 1)
        }
    }

    @Test func aSearchThatFailsEnds() {
        with(Script(portions: [(2, CK_RV(CKR_OK)), (1, CK_RV(CKR_DEVICE_ERROR))])) { list in
            list.C_FindObjectsInit = { _, _, _ in ModuleCallTests.next() }
            list.C_FindObjects = { _, _, _, found in
                ModuleCallTests.script.withLock {
                    let portion = $0.portions.isEmpty ? (0, CK_RV(CKR_OK)) : $0.portions.removeFirst()
                    found?.pointee = portion.0
                    return portion.1
                }
            }
            list.C_FindObjectsFinal = { _ in
                ModuleCallTests.script.withLock { $0.finals += 1 }
                return CK_RV(CKR_OK)
            }
            var objects = [CK_OBJECT_HANDLE](repeating: 0, count: 8)
            var number: CK_ULONG = 8
            #expect(pkcs11_find(&list, 1, nil, 0, &objects, &number) == CKR_DEVICE_ERROR)
            #expect(number == 2 && seen.finals == 1)
            // One that did not begin is not ended.
            ModuleCallTests.script.withLock { $0 = Script(results: [CK_RV(CKR_SESSION_HANDLE_INVALID)]) }
            number = 8
            #expect(pkcs11_find(&list, 1, nil, 0, &objects, &number) == CKR_SESSION_HANDLE_INVALID)
            #expect(number == 0 && seen.finals == 0)
        }
    }

    /// A token that is not for writing gets a session for reading.
    @Test(
        arguments: [
            ([CKR_OK], CKR_OK, 1), ([CKR_TOKEN_WRITE_PROTECTED, CKR_OK], CKR_OK, 2),
            ([CKR_TOKEN_WRITE_PROTECTED, CKR_DEVICE_ERROR], CKR_DEVICE_ERROR, 2),
            ([CKR_DEVICE_ERROR], CKR_DEVICE_ERROR, 1),
        ] as [([CK_RV], CK_RV, Int)])
    func sessionsAreOpened(results: [CK_RV], result: CK_RV, calls: Int) {
        with(Script(results: results.map { CK_RV($0) })) { list in
            list.C_OpenSession = { _, flags, _, _, session in
                ModuleCallTests.script.withLock { $0.flags.append(flags) }
                session?.pointee = 7
                return ModuleCallTests.next()
            }
            var session: CK_SESSION_HANDLE = 0
            #expect(pkcs11_open(&list, 3, &session) == CK_RV(result) && session == 7)
            let serial = CK_FLAGS(CKF_SERIAL_SESSION)
            #expect(seen.flags == Array([serial | CK_FLAGS(CKF_RW_SESSION), serial].prefix(calls)))
        }
    }

    /// Whoever initialized it before may have been another.
    @Test func aModuleMayBeInitializedAlready() {
        for (result, expected) in [
            (CKR_OK, CKR_OK), (CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_OK), (CKR_GENERAL_ERROR, CKR_GENERAL_ERROR),
        ] {
            with(Script(results: [CK_RV(result)])) { list in
                list.C_Initialize = { _ in ModuleCallTests.next() }
                #expect(pkcs11_initialize(&list) == CK_RV(expected))
            }
        }
    }

    /// What a table does not have is no crash.
    @Test func functionsThatAreMissingAreNotSupported() {
        with(Script()) { list in
            let absent = CK_RV(CKR_FUNCTION_NOT_SUPPORTED)
            var (number, session): (CK_ULONG, CK_SESSION_HANDLE) = (1, 0)
            var info = CK_TOKEN_INFO()
            #expect(pkcs11_initialize(&list) == absent && pkcs11_finalize(&list) == absent)
            #expect(pkcs11_slots(&list, nil, &number) == absent && pkcs11_token(&list, 0, &info) == absent)
            #expect(pkcs11_open(&list, 0, &session) == absent && pkcs11_close(&list, 0) == absent)
            #expect(pkcs11_login(&list, 0, nil, 0) == absent)
            #expect(pkcs11_find(&list, 0, nil, 0, nil, &number) == absent)
            #expect(pkcs11_attribute(&list, 0, 0, 0, nil, &number) == absent)
            #expect(pkcs11_sign(&list, 0, 0, 0, nil, 0, nil, &number) == absent)
        }
    }

    /// A value that says of itself to be larger than its space is none.
    @Test(
        arguments: [
            (0, CKR_OK, 0), (7, CKR_OK, 7), (8, CKR_OK, 8), (9, CKR_OK, 0), (.max, CKR_OK, 0),
            (4, CKR_ATTRIBUTE_SENSITIVE, 0),
        ] as [(CK_ULONG, CK_RV, CK_ULONG)])
    func attributesFitTheirBuffers(length: CK_ULONG, result: CK_RV, count: CK_ULONG) {
        with(Script(results: [CK_RV(result)], length: length)) { list in
            list.C_GetAttributeValue = { _, object, attribute, count in
                guard object == 5, count == 1, attribute?.pointee.type == 9, attribute?.pointee.ulValueLen == 8 else {
                    return CK_RV(CKR_ARGUMENTS_BAD)
                }
                attribute?.pointee.ulValueLen = ModuleCallTests.script.withLock { $0.length }
                return ModuleCallTests.next()
            }
            var value = [UInt8](repeating: 0, count: 8)
            var number: CK_ULONG = 8
            #expect(pkcs11_attribute(&list, 1, 5, 9, &value, &number) == CK_RV(result) && number == count)
        }
    }
}
