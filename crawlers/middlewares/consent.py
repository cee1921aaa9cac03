"""Consent: what a source says about use for AI in headers and robots.txt is passed on, and acted on by the policy.

What stands inside a page (meta tags, links to licences) is read by the extractors, and acted on for each record by
``crawlers/pipelines/consent.py``, under the same setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawlers.consent import RESPECT, policy_of, verdict
from crawlers.items import Signal
from crawlers.middlewares.optout import header_signals
from crawlers.middlewares.outcomes import Skipped
from crawlers.middlewares.robots import META_FILE, META_RIGHTS, as_json

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_NAMES = (b"X-Robots-Tag", b"TDM-Reservation", b"TDM-Policy", b"Content-Signal", b"Content-Usage")


class ConsentMiddleware:
    """Skips answers that refuse use for AI, and notes every signal in ``request.meta["gristmill_rights"]``.

    Args:
        policy: ``respect`` (skip what refuses) or ``flag`` (keep it, marked).
        stats: collector with ``inc_value``.

    Settings:
        AI_OPTOUT_POLICY: the policy.

    Stats:
        consent/refused: answers or URLs that refuse use for AI, whatever the policy made of it.
    """

    def __init__(self, policy: str = RESPECT, *, stats: Any = None) -> None:
        self._policy = policy
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ConsentMiddleware:
        """Read the settings."""
        return cls(policy_of(crawler.settings.get("AI_OPTOUT_POLICY")), stats=crawler.stats)

    def process_request(self, request: Request) -> None:
        """Do not even ask for what robots.txt refuses to AI."""
        rights = request.meta.get(META_RIGHTS)
        if rights and rights["signals"]:
            self._act(request, [Signal(*signal) for signal in rights["signals"]], None)

    def process_response(self, request: Request, response: Response) -> Response:
        """Read the headers; not those of a robots.txt, which is no data for AI and has to be read whatever they say."""
        if META_FILE in request.meta:
            return response
        headers = {name.decode().lower(): values for name in _NAMES if (values := _values(response, name))}
        if headers:
            found = header_signals(headers)
            rights = request.meta.setdefault(META_RIGHTS, {"robots": "unchecked", "signals": []})
            known = {tuple(signal) for signal in rights["signals"]}
            rights["signals"] += [signal for signal in as_json(found) if tuple(signal) not in known]
            self._act(request, found, response)
        return response

    def _act(self, request: Request, found: list[Signal], response: Response | None) -> None:
        if not verdict(found):
            return
        if self._stats is not None:
            self._stats.inc_value("consent/refused")
        if self._policy == RESPECT:
            said = "; ".join(f"{signal.place}: {signal.value}" for signal in found if signal.optout)
            raise Skipped(
                "opt-out", f"the source refuses use for AI ({said}); AI_OPTOUT_POLICY=flag keeps it, marked", response
            )


def _values(response: Response, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in response.headers.getlist(name)]
