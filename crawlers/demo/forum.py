"""The forum of the demo site: a list of threads, and posts with author, time and what they quote of others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from crawlers.demo.pages import Answer, Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOME, _FORUM = ("Home", "/"), ("Forum", "/forum/")


@dataclass(frozen=True)
class Post:
    """What one member wrote."""

    author: str
    time: str
    quote: str
    text: str


@dataclass(frozen=True)
class Thread:
    """Posts under one title."""

    slug: str
    title: str
    posts: tuple[Post, ...]

    @property
    def path(self) -> str:
        """Address of its page."""
        return f"/forum/{self.slug}"


@cache
def threads() -> tuple[Thread, ...]:
    """The threads of ``forum.txt``."""
    text = Path(__file__).with_name("forum.txt").read_text(encoding="utf-8")
    found = []
    for part in text.split("=== ")[1:]:
        head, *posts = part.split("\n--- ")
        slug, _, title = head.partition(" | ")
        found.append(Thread(slug, title.strip(), tuple(_post(post) for post in posts)))
    return tuple(found)


def _post(text: str) -> Post:
    head, *lines = text.strip().splitlines()
    author, _, time = head.partition(" | ")
    quote = " ".join(line.removeprefix("> ") for line in lines if line.startswith("> "))
    return Post(author, time, quote, " ".join(line for line in lines if not line.startswith("> ")))


def pages(origin: str) -> Iterator[tuple[str, Answer]]:
    """Path and answer of everything in the forum."""
    items = "\n".join(
        f'<li class="thread"><a href="{thread.path}">{escape(thread.title)}</a> ({len(thread.posts)} posts)</li>'
        for thread in threads()
    )
    data = {"@type": "CollectionPage", "name": "Forum"}
    yield (
        "/forum/",
        Frame(
            title="Forum",
            body=f'<h1>Forum</h1>\n<ul class="threads">\n{items}\n</ul>',
            path="/forum/",
            crumbs=[_HOME],
            data=[data],
        ).answer(origin),
    )
    for thread in threads():
        yield thread.path, _thread_page(thread).answer(origin)


def _thread_page(thread: Thread) -> Frame:
    first = thread.posts[0]
    posts = "\n".join(_post_html(post, number) for number, post in enumerate(thread.posts, 1))
    return Frame(
        title=thread.title,
        body=f"<h1>{escape(thread.title)}</h1>\n{posts}",
        path=thread.path,
        crumbs=[_HOME, _FORUM],
        data=[
            {
                "@type": "DiscussionForumPosting",
                "headline": thread.title,
                "author": {"@type": "Person", "name": first.author},
                "datePublished": first.time,
            }
        ],
    )


def _post_html(post: Post, number: int) -> str:
    quote = f"<blockquote>{escape(post.quote)}</blockquote>\n" if post.quote else ""
    return (
        f'<article class="post" id="post-{number}">\n<header><span class="author">{post.author}</span> '
        f'<time datetime="{post.time}">{post.time[:10]}</time></header>\n'
        f'<div class="post-content">{quote}<p>{escape(post.text)}</p></div>\n</article>'
    )
