"""Items that are not Records: what other people's spiders yield, as records of the same envelope.

Fields whose names the envelope knows move there when their type fits; everything else goes into ``fields`` as it is.
"""

from __future__ import annotations

import re
from typing import Any

from itemadapter import ItemAdapter

from crawlers.hashing import digest
from crawlers.items import Record
from crawlers.plain import plain

_KEYS = ("key", "id", "guid", "sku", "url")
_TEXTS = ("url", "canonical_url", "title", "text", "language", "published_at", "modified_at", "type", "group")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*")
_ALIASES = {"name": "title", "headline": "title", "body": "text", "content": "text", "description": "text"}


def record_from(item: Any, source: str, url: str | None = None) -> Record:
    """A Record for any item that itemadapter can read (dict, Item, dataclass, attrs, pydantic).

    Args:
        item: what the spider yielded; it is not changed.
        source: the spider's name.
        url: address of the page it was found on.

    The key is the item's own ``key``, ``id``, ``guid``, ``sku`` or ``url``; where it has none, the page's URL and a
    digest of the item after ``#``.
    """
    data = {name: plain(value) for name, value in ItemAdapter(item).asdict().items()}
    own = next((data[name] for name in _KEYS if data.get(name) not in (None, "")), None)
    key = str(own) if own is not None else f"{url or source}#{digest(data)[7:23]}"
    record = Record(source=source, key=key, url=url)
    for name, value in data.items():
        target = name if name in _TEXTS else _ALIASES.get(name)
        if name == "type" and not _TYPE.fullmatch(str(value)):
            target = None  # "sale", "new": a type of theirs, none of schema.org's
        if target and isinstance(value, str) and (name in _TEXTS or getattr(record, target) is None):
            setattr(record, target, value)
            if target == name:
                continue
        if name == "authors" and isinstance(value, list) and all(isinstance(v, str) for v in value):
            record.authors = value
        else:
            record.fields[name] = value
    return record
