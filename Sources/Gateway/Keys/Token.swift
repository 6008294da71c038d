import Board
import CLinux
import CPKCS11
import DeviceCrypto
import LinuxBoard
import Output
import PKIX

/// A PKCS #11 token with a session that the user is logged in to.
///
/// The session is opened when it is needed, and once more when it was lost on the way. The PIN is tried once: a PIN that
/// the token refuses is tried again neither by this process nor by a later one.
@safe final class Token {
    private static var greatestSlotCount: Int { 64 }
    /// Objects of one label that are looked at.
    static var greatestObjectCount: Int { 512 }

    let settings: TokenSettings
    private let module: TokenModule
    private var session: CK_SESSION_HANDLE?
    /// Of the token that was opened first.
    private var serial: [UInt8] = []
    private var pinFailure: TokenFailure?

    init(_ settings: TokenSettings) throws(KeyFailure) {
        self.settings = settings
        do throws(TokenFailure) {
            module = try TokenModule(settings.module)
        } catch {
            throw .token(error)
        }
    }

    /// Logs in, for who wants to know before there is work to do whether the token is there and takes the PIN.
    func logIn() throws(KeyFailure) {
        try call(.login) { _ in CK_RV(CKR_OK) }
    }

    /// Logs out and lets the module go.
    func close() {
        drop()
        module.close()
    }

    private func drop() {
        if let session { _ = unsafe pkcs11_close(module.functions, session) }
        session = nil
    }

    // MARK: Sessions

    /// Calls functions of the module in a session; once more in a new one if the session was lost.
    ///
    /// - Parameter body: whatever handle it uses it has found itself.
    func call(_ function: TokenFailure.Function, _ body: (borrowing Session) -> CK_RV) throws(KeyFailure) {
        var result = try attempt(body)
        if Self.isLost(result) {
            drop()
            result = try attempt(body)
        }
        guard result == CKR_OK else {
            throw .token(result == Self.keyAbsent ? .keyAbsent : .function(function, result))
        }
    }

    private func attempt(_ body: (borrowing Session) -> CK_RV) throws(KeyFailure) -> CK_RV {
        let session = try open()
        return body(unsafe Session(module: module.functions, handle: session))
    }

    /// Whether a session is good for nothing any more, but the next one may be.
    static func isLost(_ result: CK_RV) -> Bool {
        switch result {
        case CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT,
            CKR_USER_NOT_LOGGED_IN:
            true
        default: false
        }
    }

    /// What a body returns that does not find its key.
    static var keyAbsent: CK_RV { pkcs11_key_absent() }

    private func open() throws(KeyFailure) -> CK_SESSION_HANDLE {
        if let session { return session }
        if let pinFailure { throw .token(pinFailure) }
        let (slot, info) = try findSlot()
        let serial = Self.serial(info)
        let isSame = areEqual(self.serial.span, serial.span)
        guard self.serial.isEmpty || isSame else { throw .token(.otherToken) }
        self.serial = serial
        var handle: CK_SESSION_HANDLE = 0
        let result = unsafe pkcs11_open(module.functions, slot, &handle)
        guard result == CKR_OK else { throw .token(.function(.openSession, result)) }
        do throws(KeyFailure) {
            if info.flags & CK_FLAGS(CKF_LOGIN_REQUIRED) != 0 { try logIn(handle, info.flags) }
        } catch {
            _ = unsafe pkcs11_close(module.functions, handle)
            throw error
        }
        session = handle
        return handle
    }

    private func findSlot() throws(KeyFailure) -> (CK_SLOT_ID, CK_TOKEN_INFO) {
        var slots = [CK_SLOT_ID](repeating: 0, count: Self.greatestSlotCount)
        var count = CK_ULONG(slots.count)
        let result = unsafe slots.withUnsafeMutableBufferPointer {
            unsafe pkcs11_slots(module.functions, $0.baseAddress, &count)
        }
        guard result == CKR_OK else { throw .token(.function(.getSlotList, result)) }
        var found: (CK_SLOT_ID, CK_TOKEN_INFO)?
        for index in 0..<min(slots.count, Int(count)) {
            var info = CK_TOKEN_INFO()
            let result = unsafe pkcs11_token(module.functions, slots[index], &info)
            // A token may be pulled out between the two calls.
            guard result == CKR_OK, isOurs(info) else { continue }
            guard found == nil else { throw .token(.severalTokens) }
            found = (slots[index], info)
        }
        guard let found = found else { throw .token(.tokenAbsent) }
        return found
    }

    /// Labels are filled up with blanks.
    private func isOurs(_ info: CK_TOKEN_INFO) -> Bool {
        var label = info.label
        return unsafe withUnsafeBytes(of: &label) { label in
            guard settings.label.count <= label.count else { return false }
            for index in label.indices {
                guard unsafe label[index] == (index < settings.label.count ? settings.label[index] : 0x20) else {
                    return false
                }
            }
            return true
        }
    }

    private static func serial(_ info: CK_TOKEN_INFO) -> [UInt8] {
        var serial = info.serialNumber
        return unsafe withUnsafeBytes(of: &serial) { unsafe [UInt8]($0) }
    }

    private func logIn(_ session: CK_SESSION_HANDLE, _ flags: CK_FLAGS) throws(KeyFailure) {
        guard flags & CK_FLAGS(CKF_USER_PIN_LOCKED) == 0 else { throw .token(.pinLocked) }
        var refused: RefusedPINs
        do throws(TokenFailure) {
            refused = try RefusedPINs(folder: settings.folder)
        } catch {
            throw .token(error)
        }
        do throws(KeyFailure) {
            try logIn(session, flags, settings.pin, &refused)
        } catch {
            refused.close()
            throw error
        }
        refused.close()
    }

    private func logIn(
        _ session: CK_SESSION_HANDLE, _ flags: CK_FLAGS, _ pin: [UInt8], _ refused: inout RefusedPINs
    ) throws(KeyFailure) {
        guard try !refused.holds(serial: serial, pin: pin) else { throw .token(.pinRefusedBefore) }
        // A power cut came before the token's answer was noted, and some PIN was wrong.
        if flags & CK_FLAGS(CKF_USER_PIN_COUNT_LOW) != 0, try refused.isOpen(serial: serial, pin: pin) {
            try refused.remember()
            throw .token(.pinRefusedBefore)
        }
        guard flags & CK_FLAGS(CKF_USER_PIN_FINAL_TRY) == 0 else { throw .token(.pinFinalTry) }
        do {
            var random = try KeyProvider.makeRandom()
            defer { random.wipe() }
            try refused.prepare(serial: serial, pin: pin, random: &random)
        }
        let result = unsafe pin.withUnsafeBufferPointer {
            unsafe pkcs11_login(module.functions, session, $0.baseAddress, CK_ULONG($0.count))
        }
        switch result {
        case CKR_OK: refused.forget()
        case CKR_USER_ALREADY_LOGGED_IN: refused.release()
        case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_LOCKED:
            let failure: TokenFailure = result == CKR_PIN_LOCKED ? .pinLocked : .wrongPIN
            pinFailure = failure
            try refused.remember()
            throw .token(failure)
        default:
            refused.release()
            throw .token(.function(.login, result))
        }
    }
}
