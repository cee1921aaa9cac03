"""robots.txt as RFC 9309 has it: who may fetch what, how often, and what it says about use for AI. Knows no Scrapy.

Rules are read and matched by Protego. What is done here first is to leave out the groups of other crawlers: a file of
half a megabyte may name twenty thousand of them, and a parser that keeps rules for each would take minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from protego import Protego

from crawlers.items import Signal
from crawlers.middlewares.optout import AI_AGENTS, content_signal

MAX_BYTES = 500 * 1024
"""RFC 9309 section 2.5: at least this much must be parsed. What comes after it is not read."""

_AGENT = re.compile(r"\s*user[- ]?agent\s*[:\s]\s*([^#]*)", re.IGNORECASE)
_SIGNAL = re.compile(r"\s*content-(?:signal|usage)\s*:\s*([^#]*)", re.IGNORECASE)
_OTHER = "user-agent: some-other-crawler"
_UNLIKELY = re.compile(r"[^a-z0-9_-]")


@dataclass
class _Group:
    """Lines for one or more agents; ``agents`` holds only ours, ``*`` and those of AI crawlers."""

    agents: set[str] = field(default_factory=set)
    signals: list[str] = field(default_factory=list)
    closed: bool = False


def token_of(user_agent: str) -> str:
    """The product token of a User-Agent header, in lower case: what robots.txt calls a crawler by."""
    return user_agent.split("/")[0].split()[0].lower() if user_agent.strip() else "*"


class RobotsFile:
    """A parsed robots.txt, for one crawler.

    Args:
        text: the file.
        token: product token of the crawler.
    """

    def __init__(self, text: str, token: str) -> None:
        lines, groups = _relevant(text, token)
        self._token = token
        self._rules = Protego.parse("\n".join(lines))
        named = {agent for group in groups for agent in group.agents}
        self.group = token if token in named else "*" if "*" in named else None
        """The user-agent line that speaks to this crawler, or None."""
        self._ai_agents = sorted(named & AI_AGENTS)
        self._signals = [
            signal
            for group in groups
            if group.agents & {self.group, "*"}
            for value in dict.fromkeys(group.signals)
            if (signal := content_signal(value, "content-signal")) is not None
        ]
        self.sitemaps: list[str] = list(self._rules.sitemaps)

    @classmethod
    def parse(cls, body: bytes, token: str) -> Self:
        """Read the first :data:`MAX_BYTES` of *body*, as far as their lines are whole: half a rule says something else."""
        if len(body) > MAX_BYTES:
            head = body[:MAX_BYTES]
            body = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
        return cls(body.decode("utf-8-sig", "replace").replace("\0", ""), token)

    @property
    def delay(self) -> float | None:
        """Seconds between two requests, by Crawl-delay or Request-rate, whichever is slower."""
        rate = self._rules.request_rate(self._token)
        delays = [self._rules.crawl_delay(self._token), rate.seconds / rate.requests if rate else None]
        return max((d for d in delays if d is not None), default=None)

    def allows(self, url: str) -> bool:
        """Whether this crawler may fetch *url*."""
        return bool(self._rules.can_fetch(url, self._token))

    def signals(self, url: str) -> list[Signal]:
        """What the file says about use for AI of *url*."""
        found = list(self._signals)
        refused = [agent for agent in self._ai_agents if not self._rules.can_fetch(url, agent)]
        if refused:
            found.append(Signal("robots.txt", f"disallows {', '.join(refused)}", optout=True))
        return found


def _relevant(text: str, token: str) -> tuple[list[str], list[_Group]]:
    """The lines without the names of crawlers that are neither this one nor for AI; and the groups they form."""
    keep = {"*", token} | AI_AGENTS
    lines: list[str] = []
    groups: list[_Group] = [_Group(closed=True)]
    for line in text.splitlines():
        if agent := _AGENT.match(line):
            if groups[-1].closed:
                groups.append(_Group())
                lines.append(_OTHER)  # so that a group of others only does not fall to the group before it
            name = agent[1].strip().lower()
            name = name if name == "*" else _UNLIKELY.split(name)[0]
            if name in keep and name not in groups[-1].agents:
                groups[-1].agents.add(name)
                lines.append(f"user-agent: {name}")
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if signal := _SIGNAL.match(line):
            groups[-1].signals.append(signal[1].strip())
        groups[-1].closed = True
        lines.append(line)
    return lines, groups
