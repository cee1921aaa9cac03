"""Saved pages for the extractors, as the Page that they read, and what breaks pages."""

from __future__ import annotations

from pathlib import Path

from crawlers.extractors.page import Page

SAVED = Path(__file__).parent / "extractors" / "pages"
ADDRESS = "https://site.example/folder/page"


def page_of(html: str | bytes, url: str = ADDRESS, **headers: str) -> Page:
    """A page with *html*; header names are written with underscores."""
    body = html.encode("utf-8", "surrogatepass") if isinstance(html, str) else html
    given = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return Page(body, url, {"content-type": ["text/html; charset=utf-8"], **given})


def saved(name: str, url: str = ADDRESS) -> Page:
    """A page of tests/extractors/pages/."""
    return page_of((SAVED / f"{name}.html").read_bytes(), url)


def ordinary() -> list[str]:
    """Names of the saved pages."""
    return sorted(path.stem for path in SAVED.glob("*.html"))


def broken_twins(html: str) -> dict[str, bytes]:
    """What transfers, templates and attackers make of a page, by what was done to it."""
    return {
        "cut in the middle": html[: len(html) // 2].encode(),
        "cut in a tag": html[: html.index("<body") + 3].encode(),
        "wrong charset": html.encode("utf-16"),
        "broken JSON-LD": html.replace('"@type":', '"@type"').encode(),
        "NUL and controls": html.replace(" ", " \0\x01\x1f").encode(),
        "lone surrogates": html.replace("e", "\ud800e", 40).encode("utf-8", "surrogatepass"),
        "invalid UTF-8": html.encode().replace(b"e", b"e\xff\xfe", 50),
        "unclosed everything": html.replace("</", "<").encode(),
        "tags inside out": html.replace("<p>", "</p></div>").encode(),
        "attributes without end": html.replace('">', "").encode(),
        "nested deeply": ("<div>" * 9000 + html).encode(),
        "many attributes": html.replace("<body", "<body " + " ".join(f"a{i}=1" for i in range(40_000))).encode(),
        "twice": (html + html).encode(),
        "empty": b"",
        "only white space": b" \n\t ",
    }
