import Foundation
import LinuxBoard
import Provisioning

/// One program at a time works as a station: what it holds in its folder is its own.
struct StationLock {
    private let descriptor: Int32

    init(in folder: URL) throws {
        _ = try WorkFolder(folder)
        let path = folder.appending(path: "lock").path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw WorkFolderError.notMade(path, String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = Glibc.close(descriptor)
            throw StationBusy(folder: folder.path)
        }
    }

    func close() { _ = Glibc.close(descriptor) }
}

struct StationBusy: Error, CustomStringConvertible {
    let folder: String

    var description: String {
        "another scep-station works with \(folder): let it end, or give this one a --state of its own"
    }
}
