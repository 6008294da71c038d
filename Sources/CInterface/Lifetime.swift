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
    guard let platform = platform?.pointee else { return scep_status(SCEP_USAGE) }
    guard let agent, let text, textSize > 0, let work else {
        return platform.refuse(
            SCEP_USAGE, "usage: scep_init wants an agent, a text that is not empty, and a work buffer")
    }
    if let mistake = platform.mistake { return platform.refuse(SCEP_USAGE, mistake) }
    let memory = UnsafeMutableRawPointer(agent)
    guard UInt(bitPattern: memory) % UInt(MemoryLayout<Instance>.alignment) == 0 else {
        return platform.refuse(SCEP_USAGE, "usage: the agent's memory is not aligned as a uint64_t")
    }
    guard agentSize >= MemoryLayout<Instance>.size else {
        return platform.refuse(SCEP_TOO_SMALL, "too-small: the agent's memory is below SCEP_AGENT_SIZE")
    }
    guard workSize >= 512 else {
        return platform.refuse(SCEP_TOO_SMALL, "too-small: the work buffer is below 512 bytes")
    }
    let instance = memory.bindMemory(to: Instance.self, capacity: 1)
    let words = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
    instance.initialize(
        to: Instance(
            platform, text: UnsafeBufferPointer(start: words, count: textSize),
            work: UnsafeMutableBufferPointer(start: work, count: workSize), storage: platform.storage))
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

extension scep_platform {
    /// What of it is no board's; nil if all can be used.
    fileprivate var mistake: StaticString? {
        if uptime == nil { return "usage: a platform has uptime" }
        if entropy == nil { return "usage: a platform has entropy" }
        switch (flash, snapshots) {
        case (let flash?, nil): if let mistake = PlatformFlash.mistake(flash) { return mistake }
        case (nil, let own?): if let mistake = CallersSnapshots.mistake(own) { return mistake }
        default: return "usage: a platform has either flash or snapshots"
        }
        return keys.flatMap { PlatformKey.mistake($0) }
    }

    fileprivate var storage: PlatformSnapshots {
        if let snapshots { return PlatformSnapshots(snapshots) }
        return PlatformSnapshots(flash)
    }

    /// Tells why there is no agent, which could be asked for it.
    fileprivate func refuse(_ status: Int, _ sentence: StaticString) -> scep_status {
        let bytes = UnsafeRawPointer(sentence.utf8Start).assumingMemoryBound(to: CChar.self)
        log?(context, bytes, sentence.utf8CodeUnitCount)
        return scep_status(status)
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
