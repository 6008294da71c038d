import Board
import SimulatedStorage
import Testing

@testable import Agent

@Suite struct IdentityStoreTests {
    private static let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 8, erasedValue: 0xFF)

    private static let records = (1...9).compactMap { StoredRecord(rawValue: $0) }

    private static func blankStore() throws -> FlashStore {
        var store = FlashStore(SimulatedFlash(geometry), capacity: 900)
        try store.open()
        return store
    }

    private static func bytes(_ record: StoredRecord, count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(record.rawValue)) }
    }

    /// A store after the next boot.
    private static func reopened(_ store: borrowing FlashStore) throws(StorageError) -> FlashStore {
        var again = FlashStore(store.flash, capacity: 900)
        try again.open()
        return again
    }

    @Test func aNewStoreIsEmpty() throws {
        var store = try Self.blankStore()
        let isEmpty = store.isEmpty
        #expect(isEmpty)
        for record in Self.records {
            let size = store.size(of: record)
            #expect(size == nil)
            #expect(try value(record, of: &store) == nil)
        }
    }

    @Test func everyRecordIsReadAsItWasWritten() throws {
        var store = try Self.blankStore()
        let records = Self.records.map { ($0, Self.bytes($0, count: 1 + 13 * Int($0.rawValue))) }
        try write(records, to: &store)
        var again = try Self.reopened(store)
        for (record, bytes) in records {
            #expect(try value(record, of: &store) == bytes)
            let size = again.size(of: record)
            #expect(size == bytes.count)
            #expect(try value(record, of: &again) == bytes)
        }
        let isEmpty = again.isEmpty
        #expect(!isEmpty)
    }

    @Test func whatIsNotWrittenAgainIsGone() throws {
        var store = try Self.blankStore()
        try write([(.privateKey, [1]), (.certificate, [2]), (.state, [])], to: &store)
        try write([(.state, [3])], to: &store)
        let size = store.size(of: .privateKey)
        #expect(size == nil)
        try write([], to: &store)
        let isEmpty = store.isEmpty
        let isEmptyLater = try Self.reopened(store).isEmpty
        #expect(isEmpty && isEmptyLater)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 300]) func whatIsKeptIsTheSameInAnotherPlace(_ count: Int) throws {
        var store = try Self.blankStore()
        let certificate = Self.bytes(.certificate, count: count)
        try write([(.privateKey, Self.bytes(.privateKey, count: 271)), (.certificate, certificate)], to: &store)
        let sizes = store.copiedSize(of: .certificate) + store.copiedSize(of: .state) + FlashStore.recordSize(2)
        #expect(sizes == 3 + count + 0 + 5)
        try store.begin(bodySize: sizes)
        try store.copy(.certificate)
        try store.copy(.state)
        let transaction: [UInt8] = [4, 5]
        try store.append(.transaction, transaction.span)
        try store.commit()
        var again = try Self.reopened(store)
        for record in Self.records {
            let expected: [UInt8]? =
                switch record {
                case .certificate: certificate
                case .transaction: transaction
                default: nil
                }
            #expect(try value(record, of: &store) == expected)
            #expect(try value(record, of: &again) == expected)
        }
    }

    @Test func whatIsKeptCanTakeAnothersPlace() throws {
        var store = try Self.blankStore()
        try write([(.privateKey, [1]), (.nextPrivateKey, [2, 3]), (.nextCertificate, [4])], to: &store)
        try store.begin(bodySize: store.copiedSize(of: .nextPrivateKey) + store.copiedSize(of: .privateKey))
        try store.copy(.nextPrivateKey, as: .privateKey)
        // There is one already.
        #expect(throws: StorageError.outOfRange) { try store.copy(.privateKey) }
        try store.begin(bodySize: store.copiedSize(of: .nextPrivateKey) + store.copiedSize(of: .nextCertificate))
        try store.copy(.nextPrivateKey, as: .privateKey)
        try store.copy(.nextCertificate, as: .certificate)
        try store.commit()
        var again = try Self.reopened(store)
        #expect(try value(.privateKey, of: &again) == [2, 3])
        #expect(try value(.certificate, of: &again) == [4])
        #expect(try value(.nextPrivateKey, of: &again) == nil)
    }

    /// Whatever goes wrong, what was stored before stands and can be read.
    @Test func aWriteThatFailsChangesNothing() throws {
        for operation in 1... {
            var store = try Self.blankStore()
            try write([(.privateKey, [1]), (.certificate, [2, 3])], to: &store)
            store.flash.operations.fail(at: operation)
            do throws(StorageError) {
                try write([(.certificate, Self.bytes(.certificate, count: 600))], to: &store)
                #expect(operation > 2)
                break
            } catch {
                #expect(error == .failed)
            }
            #expect(try value(.privateKey, of: &store) == [1])
            #expect(try value(.certificate, of: &store) == [2, 3])
            try write([(.state, [9])], to: &store)
            #expect(try value(.state, of: &store) == [9])
        }
    }

    @Test func recordsThatAreNotAsBegunAreRefused() throws {
        var store = try Self.blankStore()
        let one: [UInt8] = [1]
        try write([(.state, one)], to: &store)
        func defect(_ size: Int, _ error: StorageError, _ body: (inout FlashStore) throws -> Void) throws {
            try store.begin(bodySize: size)
            #expect(throws: error) { try body(&store) }
            #expect(try value(.state, of: &store) == one)
        }
        try defect(3, .outOfRange) { try $0.append(.certificate, one.span) }
        try defect(8, .outOfRange) {
            try $0.append(.certificate, one.span)
            try $0.append(.certificate, one.span)
        }
        try defect(8, .outOfRange) {
            try $0.append(.certificate, one.span)
            try $0.commit()
        }
        let long = [UInt8](repeating: 0, count: 65_536)
        try defect(900, .full) { try $0.append(.certificate, long.span) }
        var short: [UInt8] = []
        var buffer = short.mutableSpan
        #expect(throws: StorageError.full) { try store.read(.state, into: &buffer) }
    }

    /// Snapshots with the right digest whose records are not what they have to be, one defect a row.
    @Test(
        arguments: [
            ([1], StorageError.corrupt),
            ([1, 0], .corrupt),
            ([1, 0, 1], .corrupt),
            ([1, 0, 2, 9], .corrupt),
            ([1, 0xFF, 0xFF, 9], .corrupt),
            ([1, 0, 1, 9, 2, 0], .corrupt),
            ([1, 0, 0, 1, 0, 0], .corrupt),
            ([1, 0, 1, 9, 2, 0, 1, 9, 1, 0, 1, 9], .corrupt),
            ([0, 0, 0], .unknownVersion),
            ([11, 0, 0], .unknownVersion),
            ([1, 0, 1, 9, 200, 0, 1, 9], .unknownVersion),
        ] as [([UInt8], StorageError)])
    func malformedRecordsAreRefused(_ body: [UInt8], _ expected: StorageError) throws {
        var snapshots = NORSnapshots<_, 2048>(SimulatedFlash(Self.geometry), capacity: 900)
        _ = try snapshots.open()
        try snapshots.begin(size: body.count)
        try snapshots.append(body.span)
        try snapshots.commit()
        var store = FlashStore(snapshots.storage, capacity: 900)
        #expect(throws: expected) { try store.open() }
    }
}
