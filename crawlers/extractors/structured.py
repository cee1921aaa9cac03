"""What a page says of itself for machines: JSON-LD, microdata, OpenGraph and meta elements, from the shared tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from crawlers.extractors.nesting import ancestors, standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_NODES_MAX = 500
_DEPTH_MAX = 8
_NESTED = 3
"""Properties in properties whose text is read, so that no part of a page is read often."""
_COMMENT = re.compile(r"^\s*(?://\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!--)|(?://\s*\]\]>|/\*\s*\]\]>\s*\*/|-->)\s*$")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_VALUE_ATTRIBUTES = {"meta": "content", "time": "datetime", "link": "href", "a": "href", "img": "src", "data": "value"}


def json_ld(page: Page) -> list[dict[str, Any]]:
    """The objects of the page's JSON-LD, those of ``@graph`` among them, outer ones first. What is broken is left out."""
    return page.remember("json_ld", _json_ld)


def _json_ld(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for node in page.elements("script"):
        if (node.attributes.get("type") or "").lower() != "application/ld+json":
            continue
        value = _loads(node.text())
        if value is None:
            page.flag("broken-json-ld")
        else:
            found.extend(_objects(value))
    return found[:_NODES_MAX]


def _loads(text: str) -> Any:
    text = _COMMENT.sub("", text).strip().rstrip(";")
    if not text:
        return []
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text.replace("\r", " ").replace("\n", " ").replace("\t", " "))):
        try:
            return orjson.loads(candidate) or []
        except orjson.JSONDecodeError:
            continue
    return None


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            if isinstance(value.get(name), list | dict):
                yield from _objects(value[name], depth + 1)


def microdata(page: Page) -> list[dict[str, Any]]:
    """The page's microdata items as objects in the shape of JSON-LD: ``@type`` and properties."""
    return page.remember("microdata", _microdata)


def _microdata(page: Page) -> list[dict[str, Any]]:
    if "itemscope" not in page.html:
        return []
    items: dict[int, dict[str, Any]] = {}
    top: list[dict[str, Any]] = []
    plain: set[int] = set()
    counted: dict[int, int] = {}
    # A node that both alternatives match comes twice.
    nodes = {node.mem_id: node for node in page.tree.css("[itemscope],[itemprop]")[: 8 * _NODES_MAX]}
    for node in nodes.values():
        attributes = node.attributes
        owner = next((items[parent.mem_id] for parent in ancestors(node) if parent.mem_id in items), None)
        value: Any
        if "itemscope" in attributes:
            kind = (attributes.get("itemtype") or "").rstrip("/").rpartition("/")[2]
            value = items[node.mem_id] = {"@type": kind}
            if "itemprop" not in attributes:
                top.append(value)
        elif standing_in(node, plain, counted) > _NESTED:
            continue
        else:
            plain.add(node.mem_id)
            value = _value(node)
        for name in (attributes.get("itemprop") or "").split():
            if owner is not None:
                _put(owner, name, value)
    return top


def _value(node: LexborNode) -> str:
    attribute = _VALUE_ATTRIBUTES.get(node.tag or "")
    content = node.attributes.get("content") or (node.attributes.get(attribute) if attribute else None)
    return (content if content is not None else node.text(separator=" ")).strip()


def _put(owner: dict[str, Any], name: str, value: Any) -> None:
    if name not in owner:
        owner[name] = value
    elif isinstance(owner[name], list):
        owner[name].append(value)
    else:
        owner[name] = [owner[name], value]


def meta(page: Page) -> dict[str, str]:
    """The page's meta elements: name or property in lower case to the first content that is not empty."""
    return page.remember("meta", _meta)


def _meta(page: Page) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, content in statements(page):
        if content:
            found.setdefault(name, content)
    return found


def statements(page: Page) -> list[tuple[str, str]]:
    """Name or property, in lower case, and content of each meta element that has both, in the order of the page."""
    return page.remember("statements", _statements)


def _statements(page: Page) -> list[tuple[str, str]]:
    found = []
    for node in page.elements("meta"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name and "content" in attributes:
            found.append((name.strip().lower(), (attributes.get("content") or "").strip()))
    return found


def objects(page: Page) -> list[dict[str, Any]]:
    """JSON-LD objects, then microdata items."""
    return json_ld(page) + microdata(page)


def types_of(item: dict[str, Any]) -> list[str]:
    """Types of an object without their namespace."""
    kinds = item.get("@type") or []
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return [kind.rpartition("/")[2].rpartition(":")[2] for kind in kinds if isinstance(kind, str)]


def first_text(value: Any, depth: int = 0) -> str | None:
    """The first text in a value that may be text, a list, or an object with a name."""
    if depth > _DEPTH_MAX or isinstance(value, bool) or value is None:
        return None
    if isinstance(value, list):
        return next((text for item in value if (text := first_text(item, depth + 1))), None)
    if isinstance(value, dict):
        return first_text(value.get("name") or value.get("@value") or value.get("url") or value.get("@id"), depth + 1)
    text = str(value).replace("\0", "").strip()
    return text or None
