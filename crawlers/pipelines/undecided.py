"""Records that have passed a stage and may still be rejected by a later one: what looks like them waits for their fate."""

from __future__ import annotations

import asyncio


class Undecided:
    """Ids of the records that are under way, and who waits for which."""

    def __init__(self) -> None:
        self._fates: dict[str, asyncio.Future[None] | None] = {}

    def __contains__(self, record_id: str) -> bool:
        """Whether the record may still be rejected by a later stage."""
        return record_id in self._fates

    def add(self, record_id: str) -> None:
        """The record has passed."""
        self._fates.setdefault(record_id, None)

    def settle(self, record_id: str) -> None:
        """It is known what became of the record: wake who waited for it."""
        waiting = self._fates.pop(record_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def wait(self, record_id: str) -> None:
        """Wait until it is known what became of the record."""
        while record_id in self._fates:
            fate = self._fates[record_id]
            if fate is None:
                fate = self._fates[record_id] = asyncio.get_running_loop().create_future()
            await asyncio.shield(fate)
