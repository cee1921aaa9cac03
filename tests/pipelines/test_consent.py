"""Records whose source refuses use for AI."""

from __future__ import annotations

import pytest
from scrapy.utils.test import get_crawler

from crawlers.errors import ConfigurationError, Rejected
from crawlers.items import Record, Rights, Signal
from crawlers.pipelines.consent import ConsentPipeline

REFUSAL = Signal("meta-robots", "noai", optout=True)
CONSENT = Signal("content-signal", "ai-train=yes", optout=False)
SILENCE = Signal("license-link", "https://example.com", optout=None)


def record(*signals: Signal, optout: bool | None = None) -> Record:
    return Record(source="s", key="k", rights=Rights(signals=list(signals), ai_optout=optout))


def test_a_refusal_is_rejected_with_its_evidence() -> None:
    item = record(CONSENT, REFUSAL)
    with pytest.raises(Rejected) as caught:
        ConsentPipeline().process_item(item)
    assert (caught.value.stage, caught.value.reason) == ("consent", "opt-out")
    assert caught.value.value == ["meta-robots: noai"]
    assert caught.value.threshold == "respect"
    assert "AI_OPTOUT_POLICY=flag" in caught.value.detail
    assert item.rights.ai_optout is True
    assert item.rights.policy == "rejected: the source refuses use for AI"


def test_a_refusal_is_kept_and_marked_where_the_policy_says_so() -> None:
    item = ConsentPipeline("flag").process_item(record(REFUSAL))
    assert item.flags == ["ai-optout"]
    assert item.rights.ai_optout is True
    assert item.rights.policy == "kept, flagged: the source refuses use for AI"


@pytest.mark.parametrize(
    ("item", "optout", "policy"),
    [
        (record(), None, "kept: the source says nothing"),
        (record(SILENCE), None, "kept: the source says nothing"),
        (record(CONSENT), False, "kept: the source allows it"),
        (record(optout=False), False, "kept: the source allows it"),
    ],
)
def test_others_are_kept(item: Record, optout: bool | None, policy: str) -> None:
    kept = ConsentPipeline().process_item(item)
    assert (kept.rights.ai_optout, kept.rights.policy, kept.flags) == (optout, policy, [])


def test_what_an_extractor_decided_stands_and_a_signal_outweighs_consent() -> None:
    with pytest.raises(Rejected, match="says its page"):
        ConsentPipeline().process_item(record(optout=True))
    with pytest.raises(Rejected):
        ConsentPipeline().process_item(record(REFUSAL, optout=False))


def test_the_policy_is_a_setting() -> None:
    assert ConsentPipeline.from_crawler(get_crawler(settings_dict={"AI_OPTOUT_POLICY": "flag"}))._policy == "flag"
    with pytest.raises(ConfigurationError, match="AI_OPTOUT_POLICY"):
        ConsentPipeline.from_crawler(get_crawler(settings_dict={"AI_OPTOUT_POLICY": "sell"}))


def test_running_it_again_changes_nothing() -> None:
    pipeline = ConsentPipeline("flag")
    once = pipeline.process_item(record(REFUSAL))
    before = (once.rights.policy, list(once.flags))
    again = pipeline.process_item(once)
    assert (again.rights.policy, again.flags) == before
