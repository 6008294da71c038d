import Foundation
import TestSupport
import Testing

/// The header stands alone, and is what compilers of C99 and C++ take without a warning.
@Suite struct HeaderTests {
    private static let header = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/CSCEP/include")

    @Test(arguments: [
        ("gcc", "c", "c99"), ("gcc", "c", "c17"), ("clang", "c", "c99"), ("clang", "c++", "c++11"),
        ("clang", "c++", "c++20"),
    ])
    func compilesWithoutAWarning(compiler: String, language: String, standard: String) throws {
        try withTemporaryDirectory { folder in
            let source = """
                #include "scep.h"
                #include "scep.h"
                int check(scep_agent *agent) { scep_end(agent); return SCEP_OK; }

                """
            let file = try folder.write(Array(source.utf8), to: language == "c" ? "a.c" : "a.cpp")
            _ = try runProgram(
                "/usr/bin/env",
                [
                    compiler, "-x", language, "-std=\(standard)", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                    "-Wshadow",
                    "-Werror", "-I", Self.header.path, "-c", file, "-o", folder.appending(path: "a.o").path,
                ])
        }
    }
}
