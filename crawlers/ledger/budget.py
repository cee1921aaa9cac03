"""The page budget of a crawl: ``-a max_pages=N`` counts answered pages of the whole crawl, kills included."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Spider

MAX_PAGES = "max-pages"
"""Reason of what a crawl knew and did not ask for, since its budget was spent."""

_UNLIMITED = 1 << 62
_ARGUMENT = "max_pages"


class PageBudget:
    """How many more pages may be asked for.

    Args:
        limit: pages in the whole crawl; 0: no limit.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._spent = 0

    @classmethod
    def of(cls, spider: Spider) -> PageBudget:
        """The budget that the spider's arguments give."""
        return cls(int(getattr(getattr(spider, "args", None), _ARGUMENT, 0) or 0))

    def spend(self, pages: int) -> None:
        """Count *pages* that were answered."""
        self._spent += pages

    def learn(self, pages: int) -> None:
        """That *pages* were answered in all, by whichever worker."""
        self._spent = max(self._spent, pages)

    def left(self, in_hand: int) -> int:
        """Pages that may still be claimed, with *in_hand* requests claimed and not settled."""
        return max(0, self.limit - self._spent - in_hand) if self.limit else _UNLIMITED

    @property
    def exhausted(self) -> bool:
        """Whether every page of the budget was answered."""
        return bool(self.limit) and self._spent >= self.limit


def without_budget(arguments: Mapping[str, str], spider: Spider) -> dict[str, str]:
    """What tells a crawl from others: all of *arguments* but its budget, which only says how far it goes.

    A spider of another project may have an argument of that name with a meaning of its own.
    """
    ours = hasattr(getattr(spider, "args", None), _ARGUMENT)
    return {name: value for name, value in arguments.items() if not (ours and name == _ARGUMENT)}
