import CPKCS11
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// A module whose functions say something else than SoftHSM does, where SoftHSM cannot be brought to say it.
private enum Spoken {
    typealias TokenInfo = @convention(c) (CK_SLOT_ID, UnsafeMutablePointer<CK_TOKEN_INFO>?) -> CK_RV
    typealias LogIn = @convention(c) (CK_SESSION_HANDLE, CK_USER_TYPE, UnsafeMutablePointer<UInt8>?, CK_ULONG) -> CK_RV
    typealias End = @convention(c) (UnsafeMutableRawPointer?) -> CK_RV
    typealias Find = @convention(c) (CK_SESSION_HANDLE, UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV

    struct State {
        var tokenInfo: TokenInfo?
        var logIn: LogIn?
        var find: Find?
        var end: End?
        /// What each token says of itself in place of what is so; nil: it is not there.
        var change: @Sendable (inout CK_TOKEN_INFO) -> Bool = { _ in true }
        /// Whether the next search finds that the token is gone.
        var isLost = false
        var logInCount = 0
        var endCount = 0
    }

    static let state = Mutex(State())

    /// Runs `body` with a module that speaks so. It is loaded and initialized meanwhile.
    static func whileLoaded(_ provider: KeyProvider, _ body: () throws -> Void) throws {
        let library = try #require(dlopen(SoftHSM.module, RTLD_NOW | RTLD_LOCAL))
        defer { dlclose(library) }
        let module = try #require(pkcs11_functions(library))
        state.withLock {
            $0 = State()
            $0.tokenInfo = module.pointee.C_GetTokenInfo
            $0.logIn = module.pointee.C_Login
            $0.find = module.pointee.C_FindObjectsInit
            $0.end = module.pointee.C_Finalize
        }
        module.pointee.C_Finalize = { reserved in
            let ask = Spoken.state.withLock {
                $0.endCount += 1
                return $0.end
            }
            return ask?(reserved) ?? CK_RV(CKR_GENERAL_ERROR)
        }
        module.pointee.C_GetTokenInfo = { slot, info in
            let (ask, change) = Spoken.state.withLock { ($0.tokenInfo, $0.change) }
            let result = ask?(slot, info) ?? CK_RV(CKR_GENERAL_ERROR)
            guard result == CKR_OK, let info else { return result }
            return change(&info.pointee) ? result : CK_RV(CKR_TOKEN_NOT_PRESENT)
        }
        module.pointee.C_Login = { session, user, pin, count in
            let ask = Spoken.state.withLock {
                $0.logInCount += 1
                return $0.logIn
            }
            return ask?(session, user, pin, count) ?? CK_RV(CKR_GENERAL_ERROR)
        }
        module.pointee.C_FindObjectsInit = { session, template, count in
            let (ask, isLost) = Spoken.state.withLock { state in
                defer { state.isLost = false }
                return (state.find, state.isLost)
            }
            return isLost ? CK_RV(CKR_DEVICE_REMOVED) : ask?(session, template, count) ?? CK_RV(CKR_GENERAL_ERROR)
        }
        defer {
            provider.close()
            state.withLock {
                module.pointee.C_GetTokenInfo = $0.tokenInfo
                module.pointee.C_Login = $0.logIn
                module.pointee.C_FindObjectsInit = $0.find
                module.pointee.C_Finalize = $0.end
            }
        }
        try body()
    }

    static var logInCount: Int { state.withLock { $0.logInCount } }
}

extension CK_TOKEN_INFO {
    /// CKA_LABEL without the blanks behind it.
    fileprivate var name: String {
        get {
            withUnsafeBytes(of: label) { String(decoding: $0, as: UTF8.self) }.trimmingCharacters(in: .whitespaces)
        }
        set {
            let text = Array(newValue.utf8)
            withUnsafeMutableBytes(of: &label) { bytes in
                for index in bytes.indices { bytes[index] = index < text.count ? text[index] : 0x20 }
            }
        }
    }
}

extension KeyTests.TokenKeyTests {
    /// A wrong PIN could be the last, and the right one is not known to be right: whatever the PIN is, it is not tried.
    @Test(
        arguments: [
            (CKF_USER_PIN_FINAL_TRY, .pinFinalTry), (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW, .pinFinalTry),
            (CKF_USER_PIN_LOCKED, .pinLocked), (CKF_USER_PIN_COUNT_LOW, nil), (0, nil),
        ] as [(UInt, TokenFailure?)])
    func theLastTryIsLeftToTheOwner(flags: UInt, expected: TokenFailure?) throws {
        for isRight in [true, false] where isRight || expected != nil {
            try withToken(pin: isRight ? nil : "000000") { token, _, provider in
                try Spoken.whileLoaded(provider) {
                    Spoken.state.withLock {
                        $0.change = { info in
                            info.flags |= CK_FLAGS(flags)
                            return true
                        }
                    }
                    // Nor by a second attempt, or the next run.
                    for _ in 0..<2 {
                        #expect(failure { _ = try generated(.p256) } == expected.map { .token($0) })
                        #expect((Spoken.logInCount == 0) == (expected != nil))
                        provider.close()
                    }
                }
                let seen = try token.hasSeenWrongPIN()
                #expect(!seen)
            }
        }
    }

    /// A token that asks for no PIN is not told it, and the module is let go when it has served (PKCS #11, 6.6).
    @Test(arguments: [true, false]) func aPINIsForTokensThatAskForIt(isAsked: Bool) throws {
        try withToken { _, directory, provider in
            try Spoken.whileLoaded(provider) {
                Spoken.state.withLock {
                    $0.change = { info in
                        if !isAsked { info.flags &= ~CK_FLAGS(CKF_LOGIN_REQUIRED) }
                        return true
                    }
                }
                for round in 1...2 {
                    #expect(failure { try provider.check() } == nil)
                    #expect(Spoken.logInCount == (isAsked ? round : 0))
                    #expect(Spoken.state.withLock { $0.endCount } == round - 1)
                    provider.close()
                    #expect(Spoken.state.withLock { $0.endCount } == round)
                }
                let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
                #expect(!names.contains { $0.hasPrefix("pin") })
            }
        }
    }

    /// While the program runs somebody puts another token into the reader, of the same label. It is not shown the PIN.
    @Test(arguments: [false, true]) func aTokenThatWasExchangedIsNoticed(isExchanged: Bool) throws {
        try withToken { token, _, provider in
            let other = try SoftHSM("other \(UUID().uuidString.prefix(8))")
            defer { try? other.remove() }
            let (name, otherName) = (token.label, other.label)
            try Spoken.whileLoaded(provider) {
                let bytes = try generated(.p256)
                #expect(failure { try load(bytes) } == nil)
                let count = Spoken.logInCount
                Spoken.state.withLock {
                    $0.isLost = true
                    if !isExchanged { return }
                    $0.change = { info in
                        guard info.name != name else { return false }
                        if info.name == otherName { info.name = name }
                        return true
                    }
                }
                #expect(failure { try load(bytes) } == (isExchanged ? .token(.otherToken) : nil))
                #expect(Spoken.logInCount == count + (isExchanged ? 0 : 1))
                guard isExchanged else { return }
                // It is another one at the next attempt, too, and the first is taken again when it is back.
                #expect(failure { try load(bytes) } == .token(.otherToken))
                Spoken.state.withLock { $0.change = { _ in true } }
                #expect(failure { try load(bytes) } == nil)
            }
        }
    }
}
