"""What kind of bytes these are: the header's word, unless magic bytes contradict it."""

from __future__ import annotations

import re

HTML = frozenset({"text/html", "application/xhtml+xml"})
_UNKNOWN = frozenset({"", "application/octet-stream", "binary/octet-stream", "unknown/unknown", "application/unknown"})

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"OggS\0", "application/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x7fELF", "application/x-executable"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_ZIPPED = ("application/vnd.", "application/epub+zip", "application/java-archive", "application/x-zip")
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|div|p|h1|script|table|a|article|main)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\b")
_ROOT = re.compile(rb"(?:<\?.*?\?>|<!--.*?-->|<![^>]*>|\s)*<([A-Za-z][\w:.-]*)", re.DOTALL)
_HEAD = 2048


def is_text(media_type: str) -> bool:
    """Whether bytes of this type are characters in some encoding."""
    return media_type.startswith("text/") or media_type.endswith(("+xml", "+json", "/xml", "/json", "/x-ndjson"))


def magic(body: bytes) -> str | None:
    """The media type that the first bytes prove; None where they prove nothing (text of any kind)."""
    for signature, media_type in _MAGIC:
        if body.startswith(signature):
            return media_type
    if body[:4] == b"RIFF":
        return _RIFF.get(body[8:12])
    if body[4:8] == b"ftyp":
        return "image/avif" if body[8:12] in {b"avif", b"avis"} else "video/mp4"
    return None


def is_svg(body: bytes) -> bool:
    """Whether these bytes are a drawing in XML."""
    root = _ROOT.match(body.removeprefix(b"\xef\xbb\xbf")[:_HEAD])
    return root is not None and root.group(1).lower().rpartition(b":")[2] == b"svg"


def effective(declared: str, body: bytes) -> str:
    """The media type to treat *body* as.

    Args:
        declared: the header's media type in lower case without parameters, or ``""``.
        body: the bytes, uncompressed.
    """
    proven = magic(body)
    if proven:
        same_family = declared.partition("/")[0] == proven.partition("/")[0] != "application"
        packed = proven == "application/zip" and declared.startswith(_ZIPPED)
        return declared if packed or (same_family and proven in {"video/mp4", "video/webm"}) else proven
    if declared not in _UNKNOWN:
        return declared
    return _of_text(body)


def _of_text(body: bytes) -> str:
    head = body[:_HEAD]
    if _MARKUP.match(head):
        return "text/html"
    if _XML.match(head):
        root = _ROOT.match(head)
        return "application/xhtml+xml" if root and root.group(1).lower() == b"html" else "application/xml"
    if head.lstrip()[:1] in {b"{", b"["}:
        return "application/json"
    return "application/octet-stream" if _binary(head) else "text/plain"


def _binary(head: bytes) -> bool:
    """Whether control characters say that this is no text (WHATWG MIME Sniffing, 'binary data byte')."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return any(head.count(bytes([code])) for code in (*range(9), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)))
