/// PKCS #11 2.40: the types of p11-kit's header, and a module's functions, which stand in a table of pointers.
#ifndef CPKCS11_H
#define CPKCS11_H

#include <dlfcn.h>
#include <stddef.h>

#if __has_include(<p11-kit/pkcs11.h>)
#include <p11-kit/pkcs11.h>
#else
#include <p11-kit-1/p11-kit/pkcs11.h>
#endif

typedef CK_FUNCTION_LIST *pkcs11_module;

/// The table of a module that dlopen loaded; NULL when it is none.
static inline pkcs11_module pkcs11_functions(void *library) {
    CK_C_GetFunctionList get = NULL;
    // POSIX has dlsym return functions as data.
    *(void **) &get = dlsym(library, "C_GetFunctionList");
    pkcs11_module module = NULL;
    return get != NULL && get(&module) == CKR_OK ? module : NULL;
}

/// What is returned for a key that is not there; of the range that the standard leaves to others.
static inline CK_RV pkcs11_key_absent(void) { return CKR_VENDOR_DEFINED | 0x53434550UL; }

/// A function that a module does not have may be NULL in its table.
#define PKCS11_CALL(name, ...) (module->name == NULL ? CKR_FUNCTION_NOT_SUPPORTED : module->name(__VA_ARGS__))

/// One program may share a module with a library that has initialized it before.
static inline CK_RV pkcs11_initialize(pkcs11_module module) {
    const CK_RV result = PKCS11_CALL(C_Initialize, NULL);
    return result == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : result;
}

static inline CK_RV pkcs11_finalize(pkcs11_module module) { return PKCS11_CALL(C_Finalize, NULL); }

/// Slots with a token; `count` is the space in `slots`, then how many there are.
static inline CK_RV pkcs11_slots(pkcs11_module module, CK_SLOT_ID *slots, CK_ULONG *count) {
    return PKCS11_CALL(C_GetSlotList, CK_TRUE, slots, count);
}

static inline CK_RV pkcs11_token(pkcs11_module module, CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    return PKCS11_CALL(C_GetTokenInfo, slot, info);
}

/// A session for reading and writing, or for reading alone where a token takes no other.
static inline CK_RV pkcs11_open(pkcs11_module module, CK_SLOT_ID slot, CK_SESSION_HANDLE *session) {
    const CK_RV result = PKCS11_CALL(C_OpenSession, slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session);
    return result == CKR_TOKEN_WRITE_PROTECTED
               ? PKCS11_CALL(C_OpenSession, slot, CKF_SERIAL_SESSION, NULL, NULL, session)
               : result;
}

static inline CK_RV pkcs11_close(pkcs11_module module, CK_SESSION_HANDLE session) {
    return PKCS11_CALL(C_CloseSession, session);
}

static inline CK_RV pkcs11_login(pkcs11_module module, CK_SESSION_HANDLE session, const unsigned char *pin,
                                 CK_ULONG count) {
    return PKCS11_CALL(C_Login, session, CKU_USER, (unsigned char *) pin, count);
}

static inline CK_RV pkcs11_generate(pkcs11_module module, CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type,
                                    CK_ATTRIBUTE *public_key, CK_ULONG public_count, CK_ATTRIBUTE *private_key,
                                    CK_ULONG private_count) {
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_OBJECT_HANDLE public_handle = 0, private_handle = 0;
    return PKCS11_CALL(C_GenerateKeyPair, session, &mechanism, public_key, public_count, private_key, private_count,
                       &public_handle, &private_handle);
}

/// Objects that match; `count` is the space in `objects`, then how many were found.
static inline CK_RV pkcs11_find(pkcs11_module module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template,
                                CK_ULONG template_count, CK_OBJECT_HANDLE *objects, CK_ULONG *count) {
    const CK_ULONG capacity = *count;
    *count = 0;
    CK_RV result = PKCS11_CALL(C_FindObjectsInit, session, template, template_count);
    if (result != CKR_OK) {
        return result;
    }
    // A module may give them in portions.
    CK_ULONG found = 0;
    do {
        found = 0;
        result = PKCS11_CALL(C_FindObjects, session, objects + *count, capacity - *count, &found);
        *count += result == CKR_OK && found <= capacity - *count ? found : 0;
    } while (result == CKR_OK && found > 0 && *count < capacity);
    (void) PKCS11_CALL(C_FindObjectsFinal, session);
    return result;
}

/// An attribute's value; `count` is the space in `value`, then the size.
static inline CK_RV pkcs11_attribute(pkcs11_module module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                     CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG *count) {
    const CK_ULONG capacity = *count;
    CK_ATTRIBUTE attribute = {type, value, capacity};
    const CK_RV result = PKCS11_CALL(C_GetAttributeValue, session, object, &attribute, 1);
    *count = result == CKR_OK && attribute.ulValueLen <= capacity ? attribute.ulValueLen : 0;
    return result;
}

static inline CK_RV pkcs11_sign(pkcs11_module module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                                CK_MECHANISM_TYPE type, const unsigned char *data, CK_ULONG data_count,
                                unsigned char *signature, CK_ULONG *count) {
    CK_MECHANISM mechanism = {type, NULL, 0};
    const CK_RV result = PKCS11_CALL(C_SignInit, session, &mechanism, key);
    return result != CKR_OK ? result
                            : PKCS11_CALL(C_Sign, session, (unsigned char *) data, data_count, signature, count);
}

/// Begins RSAES-PKCS1-v1_5 where `hash` is 0, else RSAES-OAEP with an empty label.
static inline CK_RV pkcs11_decrypt_begin(pkcs11_module module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                                         CK_MECHANISM_TYPE hash, CK_ULONG mask) {
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hash, mask, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    if (hash != 0) {
        mechanism = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    }
    return PKCS11_CALL(C_DecryptInit, session, &mechanism, key);
}

static inline CK_RV pkcs11_decrypt(pkcs11_module module, CK_SESSION_HANDLE session, const unsigned char *ciphertext,
                                   CK_ULONG ciphertext_count, unsigned char *plaintext, CK_ULONG *count) {
    return PKCS11_CALL(C_Decrypt, session, (unsigned char *) ciphertext, ciphertext_count, plaintext, count);
}

static inline CK_RV pkcs11_destroy(pkcs11_module module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
    return PKCS11_CALL(C_DestroyObject, session, object);
}

#undef PKCS11_CALL

#endif
