import CPKCS11
import Output

extension Token {
    /// A session, while it is good.
    @safe struct Session {
        let module: pkcs11_module
        let handle: CK_SESSION_HANDLE

        /// Objects that match a template, ``Token/greatestObjectCount`` at most.
        func find(_ template: inout TokenTemplate, _ objects: inout [CK_OBJECT_HANDLE]) -> CK_RV {
            objects = [CK_OBJECT_HANDLE](repeating: 0, count: Token.greatestObjectCount)
            var count = CK_ULONG(objects.count)
            let result = unsafe objects.withUnsafeMutableBufferPointer { objects in
                unsafe template.withAttributes { attributes, attributeCount in
                    unsafe pkcs11_find(module, handle, attributes, attributeCount, objects.baseAddress, &count)
                }
            }
            objects.removeLast(objects.count &- Int(count))
            return result
        }

        /// An attribute's value; empty when the object does not have it or does not give it.
        func attribute(_ type: CK_ATTRIBUTE_TYPE, of object: CK_OBJECT_HANDLE) -> [UInt8] {
            var value = [UInt8](repeating: 0, count: 1024)
            var count = CK_ULONG(value.count)
            // Of none that it got, there are no bytes.
            _ = unsafe value.withUnsafeMutableBytes {
                unsafe pkcs11_attribute(module, handle, object, type, $0.baseAddress, &count)
            }
            return [UInt8](value.prefix(Int(count)))
        }

        /// Calls functions for the private key of a reference.
        @inline(never)
        func withKey(_ reference: TokenReference, _ body: (CK_OBJECT_HANDLE) -> CK_RV) -> CK_RV {
            var template = TokenTemplate()
            template.add(CKA_CLASS, CKO_PRIVATE_KEY)
            if reference.identifier.isEmpty {
                template.add(CKA_LABEL, reference.label)
            } else {
                template.add(CKA_ID, reference.identifier)
            }
            var objects: [CK_OBJECT_HANDLE] = []
            let result = find(&template, &objects)
            guard result == CKR_OK else { return result }
            guard let first = objects.first else { return Token.keyAbsent }
            return body(first)
        }
    }
}
