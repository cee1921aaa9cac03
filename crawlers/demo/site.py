"""The demo site as a whole: every address with its answer. Made anew each time, always the same."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from crawlers.demo import forum, news, shop, truth
from crawlers.demo.pages import NAME, Answer, Frame, paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterable

_ABOUT = """\
Millbrook is a harbour town that does not exist. Its newspaper, its shop and its forum were written for a crawler to \
read, and everything on these pages may be copied, changed and sold by anybody.
Some of it is wrong on purpose. There are stories that appear twice, pictures that nobody could recognise, a price that \
no shop would charge and links that lead nowhere, because that is what the web is like.
Whoever finds all of them may be proud; a list of what is planted comes with the source code.""".splitlines()
_ROBOTS = "User-agent: *\nDisallow: {disallowed}\nSitemap: {origin}/sitemap.xml\n"


def build(origin: str) -> dict[str, Answer]:
    """Path (with its query) to answer.

    Args:
        origin: scheme, host and port, without a slash at the end.
    """
    site = {
        "/": _home().answer(origin),
        "/about": Frame(title="About", body=f"<h1>About</h1>\n{paragraphs(_ABOUT)}", path="/about").answer(origin),
        truth.DISALLOWED: Frame(title="Administration", body="<h1>Administration</h1>").answer(origin),
        "/robots.txt": _text(_ROBOTS.format(disallowed=truth.DISALLOWED, origin=origin)),
    }
    for part in (shop, news, forum):
        site.update(part.pages(origin))
    site["/sitemap.xml"] = _sitemap(origin, [product.path for product in shop.products()])
    return site


def _home() -> Frame:
    newest = "\n".join(
        f'<li class="story"><a href="{article.path}">{escape(article.title)}</a></li>' for article in news.listed()[:8]
    )
    body = f'<h1>{NAME}</h1>\n<ul class="newest">\n{newest}\n</ul>'
    return Frame(title="Welcome", body=body, path="/", data=[{"@type": "CollectionPage", "name": NAME}])


def _text(text: str) -> Answer:
    return Answer(text.encode(), "text/plain; charset=utf-8")


def _sitemap(origin: str, products: Iterable[str]) -> Answer:
    paths = ["/", "/about", *products, *(article.path for article in news.articles())]
    urls = "\n".join(f"<url><loc>{origin}{path}</loc></url>" for path in paths)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return Answer(f"{head}{urls}\n</urlset>\n".encode(), "application/xml")
