import Foundation

@testable import Emulator

/// A board's firmware in miniature, in C over semihosting: it keeps to the console's contract, and counts its boots
/// in the first byte of `flash.bin`.
enum StandIn {
    static var board: BoardFile {
        get throws {
            try BoardFile(
                text: "title=a stand-in\nemulator=qemu-system-arm -M mps2-an385\nnetwork=-nic user,model=lan9118",
                file: "board")
        }
    }

    /// Builds the firmware whose `main` is `body`.
    static func build(_ body: String, in folder: URL) async throws -> URL {
        let source = folder.appending(path: "standin.c")
        let script = folder.appending(path: "standin.ld")
        let image = folder.appending(path: "standin.elf")
        try Data((runtime + body).utf8).write(to: source)
        try Data("SECTIONS { .text 0 : { KEEP(*(.vectors)) *(.text* .rodata*) } }".utf8).write(to: script)
        let compiler = Program(
            executable: "/usr/bin/arm-none-eabi-gcc",
            arguments: [
                "-mcpu=cortex-m3", "-mthumb", "-Os", "-ffreestanding", "-nostdlib", "-T", script.path, source.path,
                "-o", image.path,
            ], folder: folder, origin: "apt-get install gcc-arm-none-eabi")
        let run = try await compiler.run(timeLimit: .hang) { try await $0.end() }
        guard run.ending == .exited(0) else {
            throw ProgramError.ended(program: "arm-none-eabi-gcc", before: "an image", transcript: run.lines)
        }
        return image
    }

    private static let runtime = """
        typedef unsigned int word;
        static word call(word operation, const void *arguments) {
            register word r0 __asm__("r0") = operation;
            register const void *r1 __asm__("r1") = arguments;
            __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
            return r0;
        }
        static void say(const char *text) { call(4, text); }
        static void leave(word code) { word block[2] = {0x20026, code}; call(0x20, block); for (;;) {} }
        static word open_flash(word mode) { word block[3] = {(word)"flash.bin", mode, 9}; return call(1, block); }
        static int boots(void) {
            char count = 0;
            word file = open_flash(3); /* r+b */
            if (file == (word)-1) file = open_flash(7); /* w+b */
            word read[3] = {file, (word)&count, 1};
            call(6, read);
            count++;
            word seek[2] = {file, 0};
            call(10, seek);
            word write[3] = {file, (word)&count, 1};
            call(5, write);
            word close[1] = {file};
            call(2, close);
            return count;
        }
        int main(void);
        void reset(void) { leave(main()); }
        __attribute__((section(".vectors"), used)) static const word vectors[2] = {0x20010000, (word)&reset + 0};

        """
}
