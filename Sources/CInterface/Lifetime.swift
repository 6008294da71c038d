// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import CSCEP
import DeviceCrypto

@c @implementation
public func scep_init(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ agentSize: Int, _ platform: UnsafePointer<scep_platform>?,
    _ text: UnsafePointer<CChar>?, _ textSize: Int, _ work: UnsafeMutablePointer<UInt8>?, _ workSize: Int
) -> scep_status {
    guard let agent, let platform = platform?.pointee, let text, textSize > 0,
        let work, platform.uptime != nil, platform.entropy != nil
    else { return scep_status(SCEP_USAGE) }
    let memory = UnsafeMutableRawPointer(agent)
    guard UInt(bitPattern: memory) % UInt(MemoryLayout<Instance>.alignment) == 0 else {
        return scep_status(SCEP_USAGE)
    }
    guard agentSize >= MemoryLayout<Instance>.size, workSize >= 512 else { return scep_status(SCEP_TOO_SMALL) }
    guard let storage = makeStorage(platform), platform.keys.map({ PlatformKey.isUsable($0) }) ?? true
    else { return scep_status(SCEP_USAGE) }
    let instance = memory.bindMemory(to: Instance.self, capacity: 1)
    let words = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
    instance.initialize(
        to: Instance(
            platform, text: UnsafeBufferPointer(start: words, count: textSize),
            work: UnsafeMutableBufferPointer(start: work, count: workSize), storage: storage))
    do throws(AgentError) {
        let span = Span(_unsafeElements: instance.pointee.text)
        do throws(ConfigurationError) {
            _ = try Configuration(span)
        } catch {
            throw .configuration(error)
        }
        instance.pointee.random.setAlive(platform.alive, platform.context)
        var entropy = PlatformEntropy(platform)
        try seed(&instance.pointee.random, from: &entropy, personalization: Span())
    } catch {
        return instance.pointee.fail(error)
    }
    instance.pointee.isReady = true
    return scep_status(SCEP_OK)
}

/// - Returns: nil unless there is one kind, whose functions are all there.
private func makeStorage(_ platform: scep_platform) -> PlatformSnapshots? {
    switch (platform.flash, platform.snapshots) {
    case (let flash?, nil):
        guard PlatformFlash.isUsable(flash) else { return nil }
        return PlatformSnapshots(flash)
    case (nil, let own?):
        guard CallersSnapshots.isUsable(own) else { return nil }
        return PlatformSnapshots(own)
    default: return nil
    }
}

@c @implementation
public func scep_end(_ agent: UnsafeMutablePointer<scep_agent>?) {
    guard let instance = Instance.find(agent), !instance.pointee.isBusy else { return }
    var work = MutableSpan(_unsafeElements: instance.pointee.work)
    wipe(&work)
    instance.pointee.end()
    instance.deinitialize(count: 1)
    // What a transaction is made again from stands there, too.
    let bytes = UnsafeMutableRawPointer(instance).assumingMemoryBound(to: UInt8.self)
    var memory = MutableSpan(
        _unsafeElements: UnsafeMutableBufferPointer(start: bytes, count: MemoryLayout<Instance>.size))
    wipe(&memory)
}
