import Mutation
import Testing

@Suite struct CTests {
    private func changes(_ body: String) -> [String] {
        plant("static int f(int a) {\n    \(body)\n}\n", path: "a.c").mutants.map(\.change)
    }

    @Test(arguments: [
        ("wipe(a);", ["wipe(a) → left out"]),
        ("x = a;", ["x = a → left out"]),
        ("if (a < b) return c;", ["a < b → !(a < b)", "a < b → a <= b"]),
        ("return a && b;", ["a && b → a || b"]),
        ("int x = a + b;", ["a + b → a - b"]),
        ("return 0x10;", ["0x10 → 17", "0x10 → 15"]),
        ("*x |= flags;", ["*x |= flags → left out", "*x |= flags → *x &= flags"]),
        ("for (int i = 0; i < n; i += 1) {}", []),
        ("int x;", []),
        ("const char *x = \"1 < 2\";", []),
        ("static const uint8_t x[] = {1, 2};", []),
        ("(void) a;", []),
        ("// x = 1;", []),
    ]) func changesOfAStatement(_ body: String, _ changes: [String]) {
        #expect(self.changes(body) == changes)
    }

    @Test func whatIsWritten() {
        let text = String(
            decoding: plant("void f(void) {\n    g();\n    return 1;\n}\n", path: "a.c").text, as: UTF8.self)
        #expect(
            text == """
                #include "CMutant.h"
                void f(void) {
                    { if (!__mutant(1)) { g(); } }
                    return (__mutant(2) ? (2) : ((__mutant(3) ? (0) : (1))));
                }

                """)
    }

    @Test(arguments: [
        "#define A(x) \\\n  f(x); \\\n  g(x)\n", "struct s { int a; };\n", "static const int a[] = {1, 2};\n",
        "int f(int a);\n",
    ])
    func whatIsNoFunctionStays(_ source: String) {
        let planted = plant(source, path: "a.h")
        #expect(planted.mutants.isEmpty)
        #expect(String(decoding: planted.text, as: UTF8.self) == "#include \"CMutant.h\"\n" + source)
    }

    /// What the preprocessor takes out where tests run is not tried.
    @Test func whatIsNotBuiltHasNoMutants() {
        let text = """
            static void f(void) {
            #if MBEDTLS_VERSION_NUMBER < 0x03000000
                old();
            #else
                new();
            #endif
            #if OTHER
                one();
            #else
                another();
            #endif
            }

            """
        #expect(plant(text, path: "a.c").mutants.map(\.original) == ["old()", "one()", "another()"])
    }
}
