import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The library for C, as a team gets it and takes it away.
@Suite struct CLibraryTests {
    /// The host's, and that of each class of processor that a board has.
    private static let classes = ["host"] + Set(Bench.machines.compactMap(processor)).sorted()

    /// `cortex-m3-soft`, by the board's file `board`.
    private static func processor(of board: BoardKind) -> String? {
        let file = Bench.project.appending(path: "Boards/\(board)/board")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        func value(_ name: String) -> Substring? {
            text.split(separator: "\n").first { $0.hasPrefix("\(name)=") }?.dropFirst(name.count + 1)
        }
        return value("processor").flatMap { processor in value("float").map { "\(processor)-\($0)" } }
    }

    private static func archive(_ name: String) -> BuildProduct {
        BuildProduct(
            ".build/c-library/\(name)/lib/libscep.a",
            from: [
                "Toolchain/board", "Toolchain/c-library", "Toolchain/c-library.d", "Toolchain/firmware-toolset.json",
            ],
            by: "make c-library")
    }

    /// What the names of GNU's tools for it begin with.
    private static func prefix(_ name: String) -> String {
        name == "host" ? "" : name.hasPrefix("rv") ? "riscv64-unknown-elf-" : "arm-none-eabi-"
    }

    /// The folder of that class.
    private static func library(_ name: String) throws -> URL {
        try archive(name).file(in: Bench.project).deletingLastPathComponent().deletingLastPathComponent()
    }

    /// A copy of it in another place, as a team's.
    private static func copy(_ name: String, to folder: URL) throws -> URL {
        let place = folder.appending(path: "elsewhere")
        try FileManager.default.copyItem(at: library(name), to: place)
        return place
    }

    private static func run(_ line: String, in folder: URL) async throws -> (ending: Ending, said: String) {
        let program = Program(
            executable: "/bin/sh", arguments: ["-c", "exec 2>&1; \(line)"], folder: folder, origin: "make setup")
        let run = try await program.run(timeLimit: .hang) { try await $0.end() }
        return (run.ending, run.lines.map(\.text).joined(separator: "\n"))
    }

    /// What a team has to have for it is mbedTLS, C's functions on memory, and its compiler: no heap, no part of Swift's.
    @Test(arguments: classes)
    func needsNothingButMbedTLS(name: String) async throws {
        let folder = try Self.library(name)
        let (ending, said) = try await Self.run("\(Self.prefix(name))nm lib/libscep.a", in: folder)
        try #require(ending == .exited(0), "\(said)")
        let symbols = said.split(separator: "\n").map { $0.split(separator: " ") }
        let undefined = Set(symbols.filter { $0.count == 2 && $0[0] == "U" }.map { String($0[1]) })
        #expect(undefined.contains("mbedtls_rsa_gen_key"))
        let others = undefined.filter {
            !$0.hasPrefix("mbedtls_") && !["memcpy", "memmove", "memset", "memcmp"].contains($0)
                && !$0.hasPrefix("__aeabi_")
        }
        #expect(others.isEmpty, "\(others)")
        let defined = symbols.filter { $0.count == 3 && $0[1].allSatisfy(\.isUppercase) }.map { String($0[2]) }
        #expect(defined.contains("scep_attend") && defined.allSatisfy { $0.hasPrefix("scep_") }, "\(defined)")
    }

    /// The example is built by a team's own Makefile and by its own CMake, with the folder somewhere else, and enrols.
    @Test(arguments: [
        "PKG_CONFIG_PATH=../elsewhere/lib/pkgconfig make",
        "cmake -S . -B build -DCMAKE_PREFIX_PATH=$PWD/../elsewhere && cmake --build build && cp build/c-enrol .",
    ])
    func isFoundByOnesOwnBuild(line: String) async throws {
        try await Bench.withAuthority { server in
            try await withTemporaryDirectory { folder in
                _ = try Self.copy("host", to: folder)
                let example = folder.appending(path: "example")
                try FileManager.default.createDirectory(at: example, withIntermediateDirectories: true)
                for name in ["main.c", "Makefile", "CMakeLists.txt"] {
                    try FileManager.default.copyItem(
                        at: Bench.project.appending(path: "Examples/c-enrol/\(name)"), to: example.appending(path: name)
                    )
                }
                let built = try await Self.run(line, in: example)
                try #require(built.ending == .exited(0), "\(built.said)")
                var record = try Bench.record(.linux, for: server)
                record.key = "p256"
                let text = """
                    url=\(record.url)
                    fingerprint=\(record.fingerprint)
                    subject=CN=in C
                    challenge=\(Bench.password)
                    challenge-use=always
                    key=p256

                    """
                try Data(text.utf8).write(to: example.appending(path: "c.conf"))
                let enrolled = try await Self.run("mkdir identity && ./c-enrol c.conf identity", in: example)
                #expect(enrolled.ending == .exited(0), "\(enrolled.said)")
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }

    /// What a team's CMake is like that builds for a microcontroller.
    private static let toolchain = """
        set(CMAKE_SYSTEM_NAME Generic)
        set(CMAKE_SYSTEM_PROCESSOR arm)
        set(CMAKE_C_COMPILER arm-none-eabi-gcc)
        set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 -mfloat-abi=soft -specs=picolibc.specs -Os -ffunction-sections")
        set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
        set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/elsewhere)
        set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

        """
    private static let project = """
        cmake_minimum_required(VERSION 3.16)
        project(device C)
        find_package(EmbeddedSCEP 0.5 REQUIRED)
        add_library(mbedcrypto STATIC IMPORTED)
        set_target_properties(mbedcrypto PROPERTIES IMPORTED_LOCATION ${MBEDTLS})
        add_executable(device device.c)
        target_compile_options(device PRIVATE -std=c99 -pedantic -Wall -Wextra -Werror)
        target_link_options(device PRIVATE
          -nostartfiles -Wl,--gc-sections -Wl,--entry=main -Wl,--no-enum-size-warning -Wl,--defsym=__flash_size=0x80000)
        target_link_libraries(device PRIVATE EmbeddedSCEP::scep)

        """
    /// An enumeration of one byte would have every structure of the header's disagree with the library.
    private static let device = """
        #include "scep.h"
        typedef char int_sized[sizeof(scep_task) == sizeof(int) ? 1 : -1];
        static scep_agent agent;
        int main(void) { return scep_attend(&agent, NULL); }

        """

    /// By CMake with a toolchain file and GNU's compiler and linker; a library for another kind of processor is not taken.
    @Test(arguments: [("cortex-m3-soft", true), ("host", false)])
    func isFoundByACrossBuild(name: String, fits: Bool) async throws {
        try await withTemporaryDirectory { folder in
            _ = try Self.copy(name, to: folder)
            for (file, text) in [
                ("arm.cmake", Self.toolchain), ("CMakeLists.txt", Self.project), ("device.c", Self.device),
            ] {
                try Data(text.utf8).write(to: folder.appending(path: file))
            }
            let mbedtls = Bench.project.appending(path: ".toolchain/cortex-m3-soft/lib/libmbedcrypto.a").path
            let (ending, said) = try await Self.run(
                "cmake -S . -B build -DCMAKE_TOOLCHAIN_FILE=$PWD/arm.cmake -DMBEDTLS=\(mbedtls) && cmake --build build",
                in: folder)
            #expect((ending == .exited(0)) == fits, "\(said)")
            if !fits { #expect(said.contains("for host"), "\(said)") }
        }
    }

    /// A processor that no board here has, and mbedTLS as the team configured it: without RSA's older encryption, say.
    @Test func isMadeForATeamsOwnProcessorAndMbedTLS() async throws {
        try await withTemporaryDirectory { folder in
            let place = folder.appending(path: "sensor")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try Data("triple=armv7em-none-none-eabi\nprocessor=cortex-m4\nfloat=hard\n".utf8)
                .write(to: place.appending(path: "board"))
            try Data("#include \"mbedtls/config-small.h\"\n#undef MBEDTLS_ECP_DP_SECP384R1_ENABLED\n".utf8)
                .write(to: folder.appending(path: "mbedtls_config.h"))
            let headers = Bench.project.appending(path: ".toolchain/cortex-m3-soft/include").path
            let tool = Bench.project.appending(path: "Toolchain/c-library").path
            let (ending, said) = try await Self.run(
                "\(tool) --mbedtls \(headers) --config mbedtls_config.h sensor", in: folder)
            try #require(ending == .exited(0), "\(said)")
            let library = Bench.project.appending(path: ".build/c-library/sensor/lib/libscep.a").path
            let attributes = try await Self.run("arm-none-eabi-readelf -A \(library)", in: folder).said
            #expect(
                attributes.contains("Tag_CPU_arch: v7E-M") && attributes.contains("Tag_ABI_VFP_args: VFP registers"))
            // Nothing at all, and no folder of that name.
            for wrong in ["--mbedtls nowhere sensor", "nowhere"] {
                #expect(try await Self.run("\(tool) \(wrong)", in: folder).ending != .exited(0))
            }
        }
    }
}
