/// What is written into the copy beside the mutants.
enum Switch {
    /// The end of the copy's manifest: what is not needed is not built, and no warning ends it, since mutants have many.
    static func manifest(_ targets: Set<String>) -> String {
        """

        let needed: Set = \(targets.sorted())
        package.products = []
        package.targets.removeAll { !needed.contains($0.name) }
        package.targets.append(.target(name: "CMutant"))
        for target in package.targets where target.name != "CMutant" {
            if target.type != .test { target.dependencies.append("CMutant") }
            if target.swiftSettings != nil {
                target.swiftSettings = [
                    .enableExperimentalFeature("Lifetimes"), .enableExperimentalFeature("RawLayout"),
                    .unsafeFlags(["-O", "-suppress-warnings", "-continue-building-after-errors"]),
                ]
            }
        }

        """
    }

    static let header = """
        /// Which mutant of this build is alive.
        #ifndef CMUTANT_H
        #define CMUTANT_H

        #include <stdbool.h>
        #include <stdint.h>

        extern uint32_t __mutant_alive;
        extern uint8_t *_Nullable __mutant_reached;

        /// Whether this is the mutant that is alive; notes that it was reached, when that is asked for.
        static inline bool __mutant(uint32_t number) {
            if (__mutant_reached) __mutant_reached[number] = 1;
            return number == __mutant_alive;
        }

        /// A condition, or its contrary in a mutant.
        static inline bool __negated(uint32_t number, bool condition) {
            return __mutant(number) != condition;
        }

        /// A condition, which holds in a mutant whatever it says.
        static inline bool __true(uint32_t number, bool condition) {
            return __mutant(number) || condition;
        }

        /// A condition, which does not hold in a mutant whatever it says.
        static inline bool __false(uint32_t number, bool condition) {
            return !__mutant(number) && condition;
        }

        #endif

        """

    static let source = """
        #include "CMutant.h"

        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <unistd.h>

        uint32_t __mutant_alive;
        uint8_t *__mutant_reached;

        // The switch is read before anything else runs. What is reached is written through a shared mapping, so that it is
        // there however the process ends, its children's too.
        __attribute__((constructor)) static void choose(void) {
            const char *alive = getenv("MUTANT");
            const char *path = getenv("MUTANT_REACHED");
            const char *count = getenv("MUTANT_COUNT");
            if (alive) __mutant_alive = (uint32_t) strtoul(alive, NULL, 10);
            if (!path || !count) return;
            const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            const size_t size = strtoul(count, NULL, 10) + 1;
            if (file < 0 || ftruncate(file, (off_t) size) != 0) abort();
            void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (bytes == MAP_FAILED) abort();
            close(file);
            __mutant_reached = bytes;
        }

        """
}
