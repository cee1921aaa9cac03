"""Deterministic content for the local test site: the same seed gives the same bytes in every process."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

_WORDS = """
the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you
were all her she there would their we him been has when who will no more if out so up said what its about than into them
can only other time new some could these two may first then do any like my now over such our man me even most made after
also did many off before must well back through years where much your way down should because long each just state those
people too mister how little good world make very year still see own work men day get here between both life being under
three never know same last another while us might great old go come since against right came take used himself few house
american use place during high without again home around small however found mister part school thought went say general
once upon every left war until always away something fact water less public put thing almost hand enough far took head
yet government system set better told nothing night end why called eyes find going look asked later point knew city next
program business group give toward young days let room word within face second children rather power times large side
others become order given important national door money country early seemed river garden window letter bridge market
forest teacher doctor engine village harbour kitchen mountain library museum winter summer autumn spring painter sailor
orchard chimney blanket lantern whistle pocket mirror basket copper silver velvet cotton marble gravel timber thunder
"""
WORDS = _WORDS.split()

NAV = ("Home", "About", "Delivery", "Journal", "Contact", "Help")


@dataclass(frozen=True)
class Topology:
    """Which pages there are and how they link: a ``catalogue``, a ``tree``, or a ``shop``, which is a catalogue with an ordinary
    page's menu and footer. ``pages`` is the number of content pages."""

    kind: str
    pages: int
    fan_out: int = 20

    @property
    def lists(self) -> int:
        """How many pages of lists a catalogue has."""
        return -(-self.pages // self.fan_out)

    def paths(self) -> list[str]:
        """Every path that can be reached from ``/``, in order."""
        if self.kind == "tree":
            return ["/", *(f"/node/{i}" for i in range(1, self.pages))]
        return [
            "/",
            *(f"/list/{k}" for k in range(2, self.lists + 1)),
            *(f"/item/{i}" for i in range(1, self.pages + 1)),
        ]

    def content_paths(self) -> list[str]:
        """The paths that hold an article: all of a tree, the items of a catalogue."""
        return [p for p in self.paths() if self.kind == "tree" or p.startswith("/item/")]

    def links(self, path: str) -> list[str] | None:
        """Paths that *path* links to; None where there is no such page."""
        return self._tree(path) if self.kind == "tree" else self._catalogue(path)

    def _tree(self, path: str) -> list[str] | None:
        number = 0 if path == "/" else _number(path, "/node/")
        if number is None or number >= self.pages:
            return None
        first = number * self.fan_out + 1
        return [f"/node/{i}" for i in range(first, min(first + self.fan_out, self.pages))]

    def _catalogue(self, path: str) -> list[str] | None:
        lists = self.lists
        item = _number(path, "/item/")
        if item is not None:
            near = [(item * 7 + k) % self.pages + 1 for k in range(8 if self.kind == "shop" else 3)]
            return [f"/item/{i}" for i in near] if 1 <= item <= self.pages else None
        page = 1 if path == "/" else _number(path, "/list/")
        if page is None or not 1 <= page <= max(1, lists):
            return None
        first = (page - 1) * self.fan_out + 1
        items = [f"/item/{i}" for i in range(first, min(first + self.fan_out, self.pages + 1))]
        return items + ([f"/list/{page + 1}"] if page < lists else [])

    def is_list(self, path: str) -> bool:
        """Whether *path* only leads to others."""
        return self.kind != "tree" and (path == "/" or path.startswith("/list/"))


def _number(path: str, prefix: str) -> int | None:
    tail = path[len(prefix) :]
    return int(tail) if path.startswith(prefix) and tail.isdigit() else None


def sentences(rng: random.Random, words: int) -> str:
    """About *words* words of prose."""
    out: list[str] = []
    while words > 0:
        length = min(rng.randint(7, 16), max(words, 4))
        chosen = rng.choices(WORDS, k=length)
        out.append(" ".join(chosen).capitalize() + ".")
        words -= length
    return " ".join(out)


@lru_cache(maxsize=4096)
def title_of(path: str, seed: int = 0) -> str:
    """The title of the page at *path*."""
    rng = random.Random(f"title:{seed}:{path}")
    return " ".join(w.capitalize() for w in rng.sample(WORDS, 4)) + f" {path.rpartition('/')[2] or 'home'}"


def paragraphs_of(path: str, seed: int = 0, version: int = 1) -> list[str]:
    """The main text of the page at *path*; another *version* differs in its last paragraph only."""
    rng = random.Random(f"text:{seed}:{path}")
    body = [sentences(rng, rng.randint(40, 90)) for _ in range(rng.randint(4, 8))]
    if version > 1:
        body.append(f"Edition {version}. " + sentences(random.Random(f"{path}:{version}"), 40))
    return body


def page_html(path: str, links: list[str], *, is_list: bool, seed: int, version: int, size: int, meta: bool) -> str:
    """The page at *path* as HTML, padded with a footer of about *size* bytes in all."""
    title = title_of(path, seed)
    nav = "".join(f'<li><a href="/#{name.lower()}">{name}</a></li>' for name in NAV)
    anchors = "".join(f'<li><a href="{link}">{title_of(link, seed)}</a></li>\n' for link in links)
    if is_list:
        main = f'<main><h1>{title}</h1><ul class="items">{anchors}</ul></main>'
    else:
        text = "".join(f"<p>{p}</p>\n" for p in paragraphs_of(path, seed, version))
        main = (
            f'<main><article><h1>{title}</h1>\n<p class="byline">By Ada Writer '
            f'<time datetime="2024-03-05T10:00:00Z">5 March 2024</time></p>\n{text}</article>\n'
            f'<aside><h2>See also</h2><ul class="related">{anchors}</ul></aside></main>'
        )
    head = (
        f"<head>{'<meta charset=utf-8>' if meta else ''}<title>{title}</title>"
        f'<meta property="og:title" content="{title}"><meta name="description" content="{title}, described">'
        f'<link rel="canonical" href="{path}"></head>'
    )
    page = f'<!doctype html><html lang="en">{head}<body><header><nav><ul>{nav}</ul></nav></header>{main}'
    return page + _footer(size - len(page)) + "</body></html>"


def _footer(size: int) -> str:
    rng = random.Random("footer")
    row = "<div class=f>" + "".join(f'<span class="c{i}">{rng.choice(WORDS)}</span>' for i in range(20)) + "</div>\n"
    return "<footer><p>All rights reserved.</p>" + row * max(0, size // len(row)) + "</footer>"


def calendar_html(year: int, month: int) -> str:
    """A month of an endless calendar: links to the months before and after and to each of its days."""
    after = (year + month // 12, month % 12 + 1)
    before = (year - (month == 1), (month - 2) % 12 + 1)
    days = "".join(f'<td><a href="/calendar/{year}/{month}/{day}">{day}</a></td>' for day in range(1, 29))
    return (
        f"<!doctype html><html lang=en><title>{year}-{month:02}</title><h1>Events in {year}-{month:02}</h1>"
        f'<a href="/calendar/{before[0]}/{before[1]}">before</a> <a href="/calendar/{after[0]}/{after[1]}">after</a>'
        f"<table><tr>{days}</tr></table><p>No events.</p></html>"
    )
