"""robots.txt: who may fetch what, what it says of AI, and what it must not cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.robotsfile import MAX_BYTES, RobotsFile, token_of


def read(text: str, token: str = "gristmill") -> RobotsFile:
    return RobotsFile.parse(text.encode(), token)


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?y", True),
        ("User-agent: gristmill\nDisallow: /a\nUser-agent: *\nDisallow: /", "/b", True),
        ("User-agent: Gristmill/1.0\nDisallow: /a", "/a", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: *\nAllow: /\n\nUser-agent: other\nDisallow: /", "/a", True),
        ("User-agent: other\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nUser-agent: other\nDisallow: /", "/a", False),
        ("user-agent : *\ndisallow : /", "/a", False),
        ("# hello\nUser-agent: * # all\n\n\nDisallow: /a # not this", "/a", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\r\nDisallow: /\r\n", "/a", False),
        ("User-agent: *\nDisallow: /a\nSitemap: http://x/s.xml\nDisallow: /b", "/b", False),
        ("Disallow: /", "/a", True),
        ("<html><body>404</body></html>", "/a", True),
    ],
)
def test_rules(text: str, path: str, *, allowed: bool) -> None:
    assert read(text).allows(f"http://example.com{path}") is allowed


def test_the_group_that_speaks_is_named() -> None:
    assert read("User-agent: *\nDisallow: /a").group == "*"
    assert read("User-agent: *\nDisallow: /a\nUser-agent: Gristmill\nDisallow: /b").group == "gristmill"
    assert read("User-agent: other\nDisallow: /").group is None


@pytest.mark.parametrize(
    ("lines", "delay"),
    [("Crawl-delay: 2.5", 2.5), ("Request-rate: 1/10", 10), ("Request-rate: 30/1m", 2), ("", None),
     ("Crawl-delay: 1\nRequest-rate: 1/5", 5), ("Crawl-delay: soon", None), ("Crawl-delay: -4", None)],
)  # fmt: skip
def test_delays(lines: str, delay: float | None) -> None:
    assert read(f"User-agent: *\n{lines}\nDisallow: /x").delay == delay


def test_agents_for_ai_that_are_refused_are_a_signal() -> None:
    file = read("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: *\nDisallow: /admin")
    (signal,) = file.signals("http://example.com/a")
    assert (signal.place, signal.optout) == ("robots.txt", True)
    assert signal.value == "disallows ccbot, gptbot"
    assert file.allows("http://example.com/a")


def test_agents_for_ai_are_judged_by_the_path() -> None:
    file = read("User-agent: Google-Extended\nDisallow: /private\n")
    assert file.signals("http://example.com/public") == []
    assert file.signals("http://example.com/private/x")[0].optout is True


def test_a_group_for_everybody_is_no_signal_about_ai() -> None:
    assert read("User-agent: *\nDisallow: /a").signals("http://example.com/a") == []


@pytest.mark.parametrize(
    ("line", "optout"),
    [("Content-Signal: search=yes, ai-train=no", True), ("Content-Signal: ai-train=yes", False),
     ("Content-Signal: search=yes", None), ("Content-Usage: train-ai=n", True)],
)  # fmt: skip
def test_content_signals_are_read(line: str, optout: bool | None) -> None:
    (signal,) = read(f"User-agent: *\n{line}\nAllow: /").signals("http://example.com/")
    assert (signal.place, signal.optout) == ("content-signal", optout)


def test_content_signals_of_other_crawlers_are_not_ours() -> None:
    assert read("User-agent: other\nContent-Signal: ai-train=no").signals("http://example.com/") == []


def test_sitemaps_are_listed() -> None:
    assert read("Sitemap: http://a/1.xml\nUser-agent: *\nSitemap: http://a/2.xml").sitemaps == [
        "http://a/1.xml",
        "http://a/2.xml",
    ]


@pytest.mark.parametrize(
    ("header", "token"),
    [("Gristmill/0.1 (+https://pypi.org/x)", "gristmill"), ("My Bot/1", "my"), ("", "*"), ("x", "x")],
)
def test_product_token(header: str, token: str) -> None:
    assert token_of(header) == token


HOSTILE = {
    "a million rules": "User-agent: *\n" + "Disallow: /p\n" * 1_000_000,
    "wildcards": "User-agent: *\n" + "".join(f"Disallow: /{n}*x{n}*y\n" for n in range(40_000)),
    "many agents": "".join(f"User-agent: b{n}\nDisallow: /\n" for n in range(60_000)),
    "agents times rules": "".join(f"User-agent: b{n}\n" for n in range(15_000)) + "Disallow: /a\n" * 40_000,
    "one long line": "User-agent: *\nDisallow: /" + "*a" * 300_000,
    "blanks": "user-agent" + " " * 600_000,
    "signals": "User-agent: *\n" + "Content-Signal: ai-train=no\n" * 40_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_within_bounds(name: str) -> None:
    before = time.process_time()
    file = read(HOSTILE[name])
    file.allows("http://example.com/a/b?c")
    file.signals("http://example.com/a/b?c")
    assert time.process_time() - before < 5  # minutes without the bounds; generous, for a busy machine


def test_what_comes_after_the_limit_is_not_read() -> None:
    text = "User-agent: *\n" + "#" * MAX_BYTES + "\nDisallow: /\n"
    assert read(text).allows("http://example.com/a")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_rule_that_the_limit_cuts_in_two_is_not_read(end: str) -> None:
    head = f"User-agent: *{end}Disallow: /priv{end}"
    text = head + "#" * (MAX_BYTES - len(head) - len(end) - 11) + f"{end}Disallow: /only/this{end}"
    assert text.encode()[:MAX_BYTES].endswith(b"Disallow: /")
    assert read(text).allows("http://example.com/a")
    assert not read(text).allows("http://example.com/priv")


@given(st.text(max_size=400))
def test_no_text_breaks_it(text: str) -> None:
    file = RobotsFile.parse(text.encode("utf-8", "surrogatepass"), "gristmill")
    assert isinstance(file.allows("http://example.com/a"), bool)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(body: bytes) -> None:
    assert isinstance(RobotsFile.parse(b"User-agent: *\n" + body, "gristmill").allows("http://example.com/a"), bool)


@given(st.lists(st.sampled_from(["User-agent: *", "User-agent: gristmill", "User-agent: gptbot", "Disallow: /a",
                                 "Allow: /a/b", "Disallow: /", "User-agent: other", "", "Crawl-delay: 3"]), max_size=25))  # fmt: skip
def test_leaving_out_other_crawlers_changes_no_answer(lines: list[str]) -> None:
    from protego import Protego

    text = "\n".join(lines)
    whole, ours = Protego.parse(text), read(text)
    for path in ("/", "/a", "/a/b", "/c"):
        url = f"http://example.com{path}"
        assert ours.allows(url) == whole.can_fetch(url, "gristmill")
    assert ours.delay == whole.crawl_delay("gristmill")
