"""What a source says about use for AI outside its pages: header lines, and lines of robots.txt. Pure functions.

Sources: contentsignals.org (Content-Signal), draft-ietf-aipref-attach (Content-Usage), W3C TDM Reservation Protocol
(tdm-reservation), the noai, noimageai and noml values of X-Robots-Tag, and the names that AI crawlers gave themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.items import Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AI_AGENTS: frozenset[str] = frozenset(
    """ai2bot amazonbot anthropic-ai applebot-extended bytespider ccbot claude-web claudebot cohere-ai
    cohere-training-data-crawler cotoyogi diffbot facebookbot google-cloudvertexbot google-extended gptbot
    iaskspider icc-crawler imagesiftbot img2dataset kangaroo-bot meta-externalagent meta-externalfetcher
    omgilibot omgili pangubot perplexitybot petalbot semanticscholarbot sidetrade timpibot velenpublicwebcrawler
    webzio-extended youbot""".split()  # noqa: SIM905 - a list of names that people will want to extend
)
"""Names, in lower case, under which robots.txt speaks to crawlers that collect for the training of models."""

_REFUSING_ROBOTS = frozenset({"noai", "noimageai", "noml"})


def content_signal(value: str, place: str = "content-signal") -> Signal | None:
    """A ``Content-Signal`` (``search=yes, ai-train=no``) or ``Content-Usage`` (``train-ai=n``) value; None if empty."""
    text = " ".join(value.split())
    if not text:
        return None
    said: dict[str, str] = {}
    for part in text.lower().replace(";", ",").split(","):
        name, _, answer = part.partition("=")
        said[name.split()[-1] if name.split() else ""] = answer.strip()
    answer = said.get("ai-train") or said.get("train-ai") or ""
    optout = {"no": True, "n": True, "yes": False, "y": False}.get(answer)
    return Signal(place, text, optout)


def robots_tag(value: str) -> Signal | None:
    """An ``X-Robots-Tag`` value; None where it says nothing of AI."""
    words = {word.strip().rpartition(":")[2].strip() for word in value.lower().split(",")}
    return Signal("x-robots-tag", " ".join(value.split()), optout=True) if words & _REFUSING_ROBOTS else None


def header_signals(headers: Mapping[str, Sequence[str]]) -> list[Signal]:
    """The signals in an answer's headers.

    Args:
        headers: name in lower case to its values.
    """
    found: list[Signal | None] = [robots_tag(value) for value in headers.get("x-robots-tag", ())]
    for value in headers.get("tdm-reservation", ()):
        policy = (headers.get("tdm-policy") or ("",))[0].strip()
        said = value.strip()
        optout = {"1": True, "0": False}.get(said)
        found.append(Signal("tdm-header", f"{said} {policy}".strip(), optout))
    for name in ("content-signal", "content-usage"):
        found += [content_signal(value) for value in headers.get(name, ())]
    return [signal for signal in found if signal is not None]
