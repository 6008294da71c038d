import CLinux
import CPKCS11
import Output

/// A PKCS #11 module that is loaded and initialized.
@safe struct TokenModule {
    let functions: pkcs11_module
    private let library: UnsafeMutableRawPointer

    /// - Parameter path: without a zero byte.
    init(_ path: [UInt8]) throws(TokenFailure) {
        // A static program has no dynamic linker, and finds not even itself.
        guard let itself = unsafe dlopen(nil, RTLD_NOW) else { throw .staticProgram }
        _ = unsafe dlclose(itself)
        let name = path.terminated
        let loaded = unsafe name.withUnsafeBytes {
            unsafe dlopen($0.baseAddress?.assumingMemoryBound(to: CChar.self), RTLD_NOW | RTLD_LOCAL)
        }
        guard let loaded = unsafe loaded else {
            var words: [UInt8] = []
            if let reason = unsafe dlerror() { words = unsafe text(reason) }
            throw .moduleNotLoaded(words)
        }
        guard let functions = unsafe pkcs11_functions(loaded) else {
            _ = unsafe dlclose(loaded)
            throw .notAModule
        }
        let result = unsafe pkcs11_initialize(functions)
        guard result == CKR_OK else {
            _ = unsafe dlclose(loaded)
            throw .function(.initialize, result)
        }
        unsafe self.functions = functions
        unsafe library = loaded
    }

    func close() {
        _ = unsafe pkcs11_finalize(functions)
        _ = unsafe dlclose(library)
    }
}
