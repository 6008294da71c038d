import CLinux
import Foundation
import LinuxBoard
import Testing

/// What comes out of a process at its standard output.
@Suite struct LinuxConsoleTests {
    private func printed(_ lines: [[UInt8]]) throws -> [UInt8] {
        var ends: [Int32] = [-1, -1]
        #expect(linux_pipe(&ends) == 0)
        let child = try Child {
            dup2(ends[1], STDOUT_FILENO)
            for line in lines { Console().write(line: line.span) }
            return 0
        }
        child.end()
        close(ends[1])
        return [UInt8](FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readDataToEndOfFile())
    }

    @Test func eachLineHasItsEnd() throws {
        #expect(try printed([Array("a".utf8), [], Array("b c".utf8)]) == Array("a\n\nb c\n".utf8))
    }

    @Test(arguments: [(479, 479), (480, 480), (481, 480), (2000, 480)])
    func whatIsLongerThanALineIsCut(count: Int, shown: Int) throws {
        let line = [UInt8](repeating: 0x78, count: count)
        #expect(try printed([line, [0x79]]) == [UInt8](repeating: 0x78, count: shown) + [0x0A, 0x79, 0x0A])
    }

    /// Nobody reads any more, or nobody reads yet: the work goes on.
    @Test(arguments: [false, true]) func aConsoleThatTakesNothingStopsNobody(isGone: Bool) throws {
        var ends: [Int32] = [-1, -1]
        #expect(linux_pipe(&ends) == 0)
        let line = [UInt8](repeating: 0x78, count: 480)
        let (reading, writing) = (ends[0], ends[1])
        if isGone { close(reading) } else { _ = fcntl(writing, F_SETFL, O_NONBLOCK) }
        let child = try Child {
            LinuxBoard.Process.protect()
            dup2(writing, STDOUT_FILENO)
            // More than a pipe holds.
            for _ in 0..<1000 { Console().write(line: line.span) }
            return 7
        }
        #expect(child.result == 7)
        child.end()
        close(writing)
        if !isGone { close(reading) }
    }
}
