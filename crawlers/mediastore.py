"""Stored media: named by content, written whole, trusted only when size and hash agree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawlers.files import write_atomically
from crawlers.hashing import sha256 as sha256_of

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "application/ogg": "ogx",
    "audio/flac": "flac",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
"""Media type found in the bytes to file extension. A name given by a site is never used."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store."""

    sha256: str
    path: str
    """Below the data folder, with slashes."""
    bytes: int


class MediaStore:
    """Files below ``<data>/media/``.

    Args:
        data: DATA_DIR.
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    def store(self, body: bytes, media_type: str) -> StoredFile:
        """Keep *body*; where a file of that content is there already and whole, nothing is written.

        Raises:
            DiskFull, GristmillError: it cannot be written.
        """
        sha256 = sha256_of(body)
        digest = sha256.removeprefix("sha256:")
        extension = EXTENSIONS.get(media_type, "bin")
        file = StoredFile(sha256, f"media/{digest[:2]}/{digest[2:4]}/{digest}.{extension}", len(body))
        if not self.is_whole(file):
            write_atomically(self._data / file.path, body)
        return file

    def is_whole(self, file: StoredFile) -> bool:
        """Whether the file is there with its size and its hash."""
        path = self._data / file.path
        try:
            if path.stat().st_size != file.bytes:
                return False
            found = hashlib.sha256()
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    found.update(chunk)
        except OSError:
            return False
        return f"sha256:{found.hexdigest()}" == file.sha256
