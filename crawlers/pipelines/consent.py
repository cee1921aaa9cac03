"""Consent: a record whose source refuses use for AI is rejected, or kept with a mark, as the policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.consent import FLAG, RESPECT, policy_of, verdict
from crawlers.errors import Rejected

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.items import Record


class ConsentPipeline:
    """Settles ``rights.ai_optout`` from all signals that were read, and acts on it.

    Args:
        policy: ``respect`` (reject what refuses, reason ``opt-out``) or ``flag`` (keep it with the flag ``ai-optout``).

    Settings:
        AI_OPTOUT_POLICY: the policy.

    Stats:
        None of its own; rejections are counted by the pipeline manager.
    """

    def __init__(self, policy: str = RESPECT) -> None:
        self._policy = policy

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ConsentPipeline:
        """Read the settings."""
        return cls(policy_of(crawler.settings.get("AI_OPTOUT_POLICY")))

    def process_item(self, item: Record) -> Record:
        """Decide on *item*; the decision stands in ``rights.policy``."""
        rights = item.rights
        said = verdict(rights.signals)
        if said or rights.ai_optout is None:
            rights.ai_optout = said
        if not rights.ai_optout:
            rights.policy = (
                "kept: the source allows it" if rights.ai_optout is False else "kept: the source says nothing"
            )
            return item
        if self._policy == FLAG:
            rights.policy = "kept, flagged: the source refuses use for AI"
            item.flag("ai-optout")
            return item
        rights.policy = "rejected: the source refuses use for AI"
        evidence = [f"{signal.place}: {signal.value}" for signal in rights.signals if signal.optout]
        raise Rejected(
            stage="consent",
            reason="opt-out",
            detail=f"the source refuses use for AI ({'; '.join(evidence) or 'says its page'}); "
            "AI_OPTOUT_POLICY=flag keeps such records, marked",
            value=evidence,
            threshold=self._policy,
        )
