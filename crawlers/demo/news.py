"""The newspaper of the demo site: articles in lists of twelve, with the copies and the troubles that are planted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawlers.demo import truth
from crawlers.demo.pages import Answer, Frame, pagination, paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator

_PER_PAGE = 12
_HOME, _NEWS = ("Home", "/"), ("News", "/news/")
_FILES = ("town", "country", "more", "abroad")
_BY = {"en": "By", "de": "Von", "fr": "Par"}
_NO_AI = '<meta name="robots" content="noai, noimageai">\n'
_LATIN = "text/html; charset=iso-8859-1"
_HIDDEN = (
    '<div style="display:none"><p>Cheap watches, cheap shoes, cheap sunglasses for every reader of this newspaper, '
    "delivered overnight and without any questions asked.</p></div>\n"
)


@dataclass(frozen=True)
class Article:
    """One story."""

    path: str
    language: str
    date: str
    author: str
    section: str
    title: str
    texts: tuple[str, ...]


@cache
def articles() -> tuple[Article, ...]:
    """The articles of ``news/*.txt``, without copies."""
    folder = Path(__file__).with_name("news")
    found = []
    for name in _FILES:
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
        found += [_article(part) for part in text.split("=== ")[1:]]
    return tuple(found)


def _article(text: str) -> Article:
    head, *parts = text.strip().split("\n\n")
    line, _, title = head.partition("\n")
    slug, language, date, author, section = line.split(" | ")
    return Article(f"/news/{slug}", language, date, author, section, title, tuple(parts))


@cache
def near_copies() -> tuple[Article, ...]:
    """The planted near-duplicates."""
    by_path = {article.path: article for article in articles()}
    return tuple(_edited(by_path[original], path) for path, original in truth.NEAR_DUPLICATES.items())


def _edited(article: Article, path: str) -> Article:
    texts = "\n".join(article.texts)
    for old, new in truth.EDITS[path]:
        if texts.count(old) != 1:
            raise ValueError(f"{path}: expected {old!r} once in {article.path}, got it {texts.count(old)} times")
        texts = texts.replace(old, new)
    return replace(article, path=path, texts=tuple(texts.split("\n")))


def pages(origin: str) -> Iterator[tuple[str, Answer]]:
    """Path and answer of everything in the newspaper."""
    by_path = {article.path: article for article in articles()}
    yield from _lists(origin)
    for article in (*articles(), *near_copies()):
        yield article.path, _article_page(article, origin)
    for path, original in truth.EXACT_DUPLICATES.items():
        yield path, _copy(by_path[original])
    yield truth.EMPTY, Answer(b"")


def listed() -> list[Article]:
    """The articles that lists link to."""
    return [article for article in articles() if article.path != truth.ORPHAN]


def _lists(origin: str) -> Iterator[tuple[str, Answer]]:
    stories = listed()
    parts = [stories[start : start + _PER_PAGE] for start in range(0, len(stories), _PER_PAGE)]
    paths = ["/news/" + (f"page/{number + 1}/" if number else "") for number in range(len(parts))]
    for number, (path, part) in enumerate(zip(paths, parts, strict=True)):
        items = "\n".join(_teaser(article) for article in part)
        extra = _margin() if number == 0 else ""
        body = f"<h1>News</h1>\n{items}\n{extra}{pagination(paths, number)}"
        data = {"@type": "CollectionPage", "name": "News"}
        yield path, Frame(title="News", body=body, path=path, crumbs=[_HOME], data=[data]).answer(origin)


def _teaser(article: Article) -> str:
    return (
        f'<section class="teaser"><h2><a href="{article.path}">{escape(article.title)}</a></h2>'
        f"<p>{escape(article.texts[0][:120])} …</p></section>"
    )


def _margin() -> str:
    """What the first list links to besides articles: copies from the wire, old stories, one of them gone, and nothing."""
    links = [
        *truth.NEAR_DUPLICATES,
        *(path for path in truth.EXACT_DUPLICATES if path.startswith("/archive/")),
        truth.MISSING[0],
        truth.EMPTY,
    ]
    items = "".join(f'<li><a href="{path}">{path.rpartition("/")[2]}</a></li>' for path in links)
    return f"<aside><h2>From the wire and the archive</h2><ul>{items}</ul></aside>\n"


def _article_page(article: Article, origin: str) -> Answer:
    html = Frame(
        title=article.title,
        body=_story(article) + _more(article),
        path=article.path,
        language=article.language,
        crumbs=[_HOME, _NEWS],
        data=[_as_data(article)],
        head=_NO_AI if article.path == truth.OPT_OUT else "",
    ).html(origin)
    if article.path == truth.BROKEN_JSON_LD:
        html = html.replace('"datePublished"', '"datePubl\n', 1)
    if article.path == truth.HIDDEN_TEXT:
        html = html.replace("</h1>\n", f"</h1>\n{_HIDDEN}", 1)
    if article.path == truth.WRONG_CHARSET:
        return Answer(html.replace('charset="utf-8"', 'charset="iso-8859-1"', 1).encode(), _LATIN)
    return Answer(html.encode())


def _story(article: Article) -> str:
    return (
        f"<article>\n<h1>{escape(article.title)}</h1>\n"
        f'<p class="byline">{_BY[article.language]} <span class="author">{escape(article.author)}</span>, '
        f'<time datetime="{article.date}">{article.date}</time></p>\n{paragraphs(article.texts)}\n</article>\n'
    )


def _more(article: Article) -> str:
    """Links below a story: the two that come next, and its print version where there is one."""
    stories = listed()
    at = stories.index(article) if article in stories else 0
    following = [stories[(at + step) % len(stories)] for step in (1, 2)]
    links = [(story.path, story.title) for story in following]
    links += [(copy, "Print version") for copy, path in truth.EXACT_DUPLICATES.items() if path == article.path]
    items = "".join(f'<li><a href="{path}">{escape(title)}</a></li>' for path, title in links)
    return f'<aside class="related"><h2>Read on</h2><ul>{items}</ul></aside>'


def _copy(article: Article) -> Answer:
    """The story alone, without a word on where it belongs."""
    html = (
        f'<!DOCTYPE html>\n<html lang="{article.language}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(article.title)}</title>\n</head>\n<body>\n<main>\n{_story(article)}</main>\n</body>\n</html>\n"
    )
    return Answer(html.encode())


def _as_data(article: Article) -> dict[str, Any]:
    return {
        "@type": "NewsArticle",
        "headline": article.title,
        "author": {"@type": "Person", "name": article.author},
        "datePublished": f"{article.date}T06:00:00Z",
        "articleSection": article.section,
        "inLanguage": article.language,
    }
