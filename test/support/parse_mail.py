"""A message from stdin as Python's email package reads it, as JSON on stdout."""
import email
import email.policy
import hashlib
import json
import sys

message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)


def people(name):
    header = message[name]
    return [[one.display_name, one.addr_spec] for one in header.addresses] if header else []


def text(kind):
    part = message.get_body((kind,))
    return part.get_content() if part else None


def leaves():
    for part in message.walk():
        if part.is_multipart() or (part.get_filename() is None and part["Content-ID"] is None):
            continue
        content = part.get_payload(decode=True)
        yield {
            "name": part.get_filename(),
            "type": part.get_content_type(),
            "disposition": part.get_content_disposition(),
            "contentId": part["Content-ID"],
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def defects():
    found = []
    for part in message.walk():
        found += [["", repr(one)] for one in part.defects]
        for name, value in part.items():
            found += [[name, repr(one)] for one in value.defects]
    return found


json.dump(
    {
        "from": people("From"),
        "to": people("To"),
        "cc": people("Cc"),
        "bcc": people("Bcc"),
        "replyTo": people("Reply-To"),
        "subject": message["Subject"],
        "messageId": message["Message-ID"],
        "date": message["Date"].datetime.isoformat() if message["Date"] else None,
        "custom": message["X-Custom"],
        "deliveredTo": message["Delivered-To"],
        "received": message.get_all("Received", []),
        "structure": [part.get_content_type() for part in message.walk()],
        "text": text("plain"),
        "html": text("html"),
        "attachments": list(leaves()),
        "defects": defects(),
    },
    sys.stdout,
)
