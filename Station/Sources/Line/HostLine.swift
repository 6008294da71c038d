import Foundation
import Ledger
import Manifest
import Provisioning

/// Works off a manifest's devices whose keys the station makes, as many at a time as there are jobs.
public final class HostLine: @unchecked Sendable {
    private let station: Station
    private let next: () -> ManifestDevice?
    private let condition = NSCondition()
    private var waiting: [(due: TimeInterval, device: HostDevice)] = []
    private var underWay = 0
    private var isAtEnd = false
    /// While the ledger is away, no more devices are begun than it was asked for in vain.
    private var heldUntil = TimeInterval.zero
    private var isStopped = false
    private var failure: (any Error)?

    /// - Parameter next: hands out one device after the other, then nil; asked by one thread at a time.
    public init(_ station: Station, devices next: @escaping () -> ManifestDevice?) {
        self.station = station
        self.next = next
    }

    /// Works until every device has ended, or ``stop()``.
    ///
    /// - Throws: why the line had to stop: the ledger is not to be had, or its disk is full.
    public func run(jobs: Int) throws {
        let group = DispatchGroup()
        for _ in 0..<jobs {
            group.enter()
            let thread = Thread { [self] in
                while let device = take() { work(device) }
                group.leave()
            }
            // The client's state and its keys are on it.
            thread.stackSize = 1 << 20
            thread.start()
        }
        group.wait()
        if let failure { throw failure }
    }

    /// Has each job end behind what it is at.
    public func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
        station.gate.stop()
    }

    /// Waits for the next device that is due.
    private func take() -> HostDevice? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped {
            let now = ProcessInfo.processInfo.systemUptime
            if let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }), waiting[index].due <= now {
                underWay += 1
                return waiting.remove(at: index).device
            }
            if !isAtEnd, heldUntil <= now {
                if let device = next() {
                    guard device.keyOrigin == .station else { continue }
                    underWay += 1
                    return HostDevice(device, station)
                }
                isAtEnd = true
            }
            guard underWay > 0 || !waiting.isEmpty || !isAtEnd else {
                condition.broadcast()
                return nil
            }
            let due = (waiting.map(\.due) + (isAtEnd ? [] : [heldUntil])).min() ?? now + 60
            _ = condition.wait(until: Date(timeIntervalSinceNow: min(due - now, 60)))
        }
        return nil
    }

    private func work(_ device: HostDevice) {
        var device = device
        var again: TimeInterval?
        var isLedgerAway = false
        do {
            switch try device.proceed() {
            case .ended(let result): station.report(.ended(serial: device.device.serial, result))
            case .again(let seconds): again = seconds
            case .stopped: break
            }
        } catch let error as LedgerError {
            // Nothing is lost: the work folder has what was done, and the ledger what was recorded.
            if case .unavailable = error {
                station.report(.note("\(error)"))
                again = 5
                isLedgerAway = true
            } else {
                fail(error)
            }
        } catch {
            fail(error)
        }
        condition.lock()
        underWay -= 1
        if isLedgerAway { heldUntil = ProcessInfo.processInfo.systemUptime + 5 }
        if let again { waiting.append((ProcessInfo.processInfo.systemUptime + again, device)) }
        condition.broadcast()
        condition.unlock()
    }

    private func fail(_ error: any Error) {
        station.report(.note("the line stops: \(error)"))
        condition.withLock { failure = failure ?? error }
        stop()
    }
}
