import Bytes
import CMS
import DER
import HTTP
import Output
import SCEP

extension Inspection {
    /// Describes a file as an item of a list.
    mutating func describe(file: Text, _ bytes: [UInt8]) {
        report.beginItem()
        report.field("file", text: file)
        report.field("size", number: bytes.count)
        // They hold a key, a seed or a password, and are nothing to paste into a mail.
        for (start, kind) in [
            ("SCEPID", "the store of an identity, which scep status describes"),
            ("SCEP", "the provisioning record of a board"),
            ("SEED", "the flash of a board, which begins with its seed"),
        ] as [(StaticString, StaticString)] where bytes.starts(with: start) {
            report.field("kind", kind)
            return report.endItem()
        }
        var container = Container(bytes)
        defer { container.wipe() }
        showsUnknown = container.reply != nil || container.form == .html
        if let reply = container.reply { describe(reply) }
        report.field("form", container.form.word)
        switch container.form {
        case .capabilities: describe(capabilities: container.body)
        case .html, .text, .empty: describe(words: container)
        case .binary, .pem, .base64:
            if let failure = container.failure {
                describe(failure)
            } else {
                describe(container.parts)
            }
        }
        report.endItem()
    }

    private mutating func describe(_ parts: [Container.Part]) {
        var elements = Container.elements(of: parts)
        defer { elements.wipe() }
        isSingle = elements.count == 1
        report.beginList("objects")
        for part in parts {
            var position = 0
            repeat {
                report.beginItem()
                if !part.label.isEmpty { report.field("label", text: part.label) }
                if let offset = part.offset { report.field("offset", number: offset + position) }
                position = describe(part.bytes, at: position)
                report.endItem()
                // A line ending behind a structure is an editor's.
                while position < part.bytes.count, isBlank(part.bytes[position]) || part.bytes[position] == 0x0A {
                    position += 1
                }
            } while position < part.bytes.count
        }
        report.endList()
        check(bundle: elements)
    }

    /// Checks several certificates as what they are together.
    private mutating func check(bundle elements: [[UInt8]]) {
        guard elements.count > 1 else { return }
        for element in elements where ObjectKind(element.span) != .certificate { return }
        beginChecks()
        check(authorities: elements.flatMap { $0 })
        endChecks()
    }

    private mutating func describe(_ failure: PEM.Failure) {
        report.field("kind", "unrecognized")
        countUnrecognized()
        var text = Text("its PEM has ")
        text.append(failure.kind.text)
        text.append(", in line ")
        text.append(decimal: failure.line)
        report.field("problem", text: text)
    }

    private mutating func describe(_ reply: Container.Reply) {
        report.beginObject("reply")
        report.beginList("head")
        for line in reply.head { report.item(line.span) }
        report.endList()
        report.field("type", reply.mediaType.name)
        beginChecks()
        if let failure = reply.failure {
            var text = Text("the client would refuse the reply: ")
            text.append(reason(failure.kind))
            text.append(", at byte ")
            text.append(decimal: failure.offset)
            check("reply", .fail, text)
        } else {
            check("reply", .pass, "the client reads it")
        }
        endChecks()
        report.endObject()
    }

    private mutating func describe(capabilities body: [UInt8]) {
        report.beginList("objects")
        report.beginItem()
        report.field("kind", "GetCACaps reply")
        report.beginList("capabilities")
        for line in body.split(separator: UInt8(ascii: "\n"), maxSplits: 64) {
            let word = Text(line).trimmed
            if !word.isEmpty { report.item(word.span) }
        }
        report.endList()
        beginChecks()
        do throws(SCEPError) {
            var policy = options.policy
            let algorithms = try Algorithms(Capabilities(body.span), &policy)
            var text = Text("the client would use ")
            text.append(algorithms.digest.name)
            text.append(" and ")
            text.append(algorithms.cipher.name)
            check("algorithms", .pass, text)
        } catch {
            var text = Text("the client would refuse this CA: ")
            text.append(error)
            check("algorithms", .fail, text)
        }
        endChecks()
        report.endItem()
        report.endList()
    }

    /// What is no object: a server's page, most of the time.
    private mutating func describe(words container: Container) {
        report.field("kind", "unrecognized")
        countUnrecognized()
        switch container.form {
        case .empty: report.field("problem", "there is not one byte in it")
        case .html: report.field("problem", "it is a page for a browser, no SCEP message: is the URL right?")
        default: report.field("problem", "it is text, but neither PEM nor base64 nor GetCACaps keywords")
        }
        guard showsUnknown, !container.body.isEmpty else { return }
        report.field("start", text: Text(container.body.prefix(200)))
    }

    // MARK: elements

    /// Describes the element at `start` of `bytes` in the object that is open.
    ///
    /// - Returns: where the next one starts.
    mutating func describe(_ bytes: [UInt8], at start: Int = 0) -> Int {
        let form: EncodingForm
        var der: [UInt8] = []
        defer { der.wipe() }
        do throws(DERError) {
            guard start < bytes.count else { throw DERError(.truncated, at: start) }
            form = try EncodingForm(bytes, at: start)
            der = try bytes.normalized(start..<form.end)
        } catch {
            unrecognized(bytes, at: start, error)
            return bytes.count
        }
        guard depth < Self.maximumDepth else { return form.end }
        depth += 1
        report.field("encoding", form.isDER ? "DER" : "BER")
        describe(der, form)
        depth -= 1
        return form.end
    }

    private mutating func describe(_ der: [UInt8], _ form: EncodingForm) {
        beginChecks()
        check(form)
        let mark = report.mark
        do throws(DERError) {
            switch ObjectKind(der.span) {
            case .signedData: try describe(signedData: der)
            case .envelopedData: try describe(envelopedData: der)
            case .certificate: try describe(certificate: der)
            case .certificationRequest: try describe(certificationRequest: der)
            case .revocationList: try describe(revocationList: der)
            case .privateKey: describe(privateKey: der)
            case .encryptedPrivateKey: report.field("kind", "encrypted private key")
            case .publicKey:
                report.field("kind", "public key")
                var reader = DERReader(der.span)
                try describe(publicKey: &reader)
            case .issuerAndSubject: try describe(issuerAndSubject: der)
            case .issuerAndSerialNumber:
                report.field("kind", "IssuerAndSerialNumber")
                var reader = DERReader(der.span)
                try describe(issuerAndSerialNumber: &reader)
            case .otherContentInfo, .unknown: describe(unknown: der)
            }
        } catch {
            report.close(to: mark)
            check("structure", .fail, "it cannot be read to its end: ", error)
        }
        endChecks()
    }

    private mutating func check(_ form: EncodingForm) {
        guard let deviation = form.firstDeviation else {
            return check("encoding", .pass, "every length is DER's")
        }
        var text = Text("BER, which the client turns into DER: ")
        text.append(decimal: form.indefiniteLengths)
        text.append(" indefinite lengths, ")
        text.append(decimal: form.segmentedStrings)
        text.append(" octet strings in pieces, ")
        text.append(decimal: form.longLengths)
        text.append(" lengths with octets to spare, the first at byte ")
        text.append(decimal: deviation)
        check("encoding", .pass, text)
    }

    private mutating func unrecognized(_ bytes: [UInt8], at start: Int, _ error: DERError) {
        report.field("kind", "unrecognized")
        countUnrecognized()
        var text = Text("an element of DER or BER was expected: ")
        text.append(error)
        report.field("problem", text: text)
        if error.kind == .truncated, start < bytes.count, bytes[start] == Tag.sequence.rawValue {
            report.field("hint", "it may have been cut: compare its size with what was sent")
        }
        field("start", hex: bytes, at: start)
        if error.offset > start, error.offset < bytes.count {
            field("there", hex: bytes, at: error.offset)
        }
    }

    /// Shows some bytes.
    private mutating func field(_ name: StaticString, hex bytes: [UInt8], at start: Int) {
        guard showsUnknown, !isInEnvelope else { return }
        report.field(name, hex: bytes.span.extracting(start..<min(start + 32, bytes.count)))
    }

    /// What is properly encoded, and nothing that belongs here.
    private mutating func describe(unknown der: [UInt8]) {
        report.field("kind", "unrecognized")
        countUnrecognized()
        var reader = DERReader(der.span)
        if var content = try? reader.enter(), let type = try? content.read(.objectIdentifier) {
            report.field("contentType", text: Text(identifier: type.contents))
            report.field("problem", "a content type that SCEP does not use")
        } else {
            report.field(
                "problem",
                "well encoded, but no ContentInfo, certificate, request, CRL, key or SCEP message content")
        }
        field("start", hex: der, at: 0)
        report.beginList("outline")
        var text = Text()
        outline(DERReader(der.span), 0, &text)
        report.endList()
    }

    /// Tags and sizes, as far as a screen goes.
    private mutating func outline(_ start: DERReader, _ level: Int, _ lines: inout Text) {
        var reader = start
        while !reader.isAtEnd, lines.count < 60, let element = try? reader.read() {
            // One byte a line.
            lines.append(0)
            var text = Text()
            for _ in 0..<level { text.append(UInt8(ascii: ".")) }
            text.append(decimal: element.start)
            text.append(": tag ")
            text.append(hex: element.tag.rawValue)
            text.append(", bytes: ")
            text.append(decimal: element.content.count)
            if element.tag == .objectIdentifier {
                text.append(", ")
                text.append(identifier: element.contents)
            }
            report.item(text.span)
            if element.tag.isConstructed, level < 8 { outline(element.reader, level + 1, &lines) }
        }
    }
}

private func reason(_ kind: HTTPError.Kind) -> StaticString {
    switch kind {
    case .noReply: "there is nothing"
    case .notHTTP: "its first line is not HTTP/1.0's or HTTP/1.1's"
    case .headTooLarge: "its head is too large"
    case .badField: "a line of its head is no field"
    case .badContentLength: "its Content-Length is no number"
    case .conflictingLengths: "it has two lengths"
    case .unsupportedCoding: "it is compressed, or has another coding than chunked"
    case .redirected: "the server sends elsewhere"
    case .bodyTooLarge: "its body is too large"
    case .badChunk: "a chunk is malformed"
    case .truncated: "it ends before its body does"
    }
}
