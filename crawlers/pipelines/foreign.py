"""Items that are not Records: what other people's spiders yield, as records of the same envelope.

Fields whose names the envelope knows move there when their type fits; everything else goes into ``fields`` as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from itemadapter import ItemAdapter

from crawlers.items import Record
from crawlers.pipelines.pagekeys import PageKeys
from crawlers.plain import plain

if TYPE_CHECKING:
    from crawlers.ledger.settlement import Settlement

_MEMO = "page-keys"
_TEXTS = ("url", "canonical_url", "title", "text", "language", "published_at", "modified_at", "type", "group")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*")
_ALIASES = {"name": "title", "headline": "title", "body": "text", "content": "text", "description": "text"}


def record_from(item: Any, source: str, page: Settlement | None = None) -> Record:
    """A Record for any item that itemadapter can read (dict, Item, dataclass, attrs, pydantic).

    Args:
        item: what the spider yielded; it is not changed.
        source: the spider's name.
        page: of the page that it was found on, which remembers what keys it has given.

    The key is the item's own ``key``, ``id``, ``guid``, ``sku`` or ``url``; where it has none, the canonical URL of the
    page, with more behind ``#`` for all but the first of such items, see :mod:`crawlers.pipelines.pagekeys`.
    """
    data = {name: plain(value) for name, value in ItemAdapter(item).asdict().items()}
    key = _keys(source, page).key(data)
    # A fragment is never sent: where a link came with one, the page was fetched without it.
    url = page.lease.url.partition("#")[0] if page is not None and page.lease is not None else None
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


def _keys(source: str, page: Settlement | None) -> PageKeys:
    if page is None:
        return PageKeys(source)
    keys = page.memo.get(_MEMO)
    if not isinstance(keys, PageKeys):
        keys = page.memo[_MEMO] = PageKeys(source, page.lease)
    return keys
