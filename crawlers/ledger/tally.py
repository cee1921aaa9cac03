"""What was committed, in Scrapy's stats: progress lines, reports and other people's extensions read it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scrapy.statscollectors import StatsCollector

    from crawlers.ledger.commit import Committed
    from crawlers.ledger.settlement import Settlement


def account(stats: StatsCollector, committed: Committed, group: Sequence[Settlement]) -> None:
    """Add what the commit of *group* changed."""
    stats.inc_value("gristmill/settled", sum(s.lease is not None for s in group) - committed.void)
    stats.inc_value("gristmill/void", committed.void)
    for kind in ("new", "changed", "updated", "unchanged", "gone", "repeated"):
        stats.inc_value(f"gristmill/records/{kind}", getattr(committed, kind))
    for settlement in group:
        displaced = [(one, one.rejected) for one in settlement.displaced if one.record_id in committed.displaced]
        for _, rejected in [*settlement.rejections, *displaced]:
            stats.inc_value(f"gristmill/rejected/{rejected.stage}/{rejected.reason}")


def count(stats: StatsCollector, counts: Mapping[str, int]) -> None:
    """Set how many requests are in each state."""
    for state, number in counts.items():
        stats.set_value(f"gristmill/requests/{state}", number)
