from __future__ import annotations

import asyncio

from crawlers.pipelines.undecided import Undecided


def test_who_waits_is_woken_once_the_fate_is_known_and_not_before():
    async def scene() -> list[str]:
        undecided, told = Undecided(), []
        undecided.add("a")
        waiting = [asyncio.ensure_future(undecided.wait("a")) for _ in range(3)]
        for number, task in enumerate(waiting):
            task.add_done_callback(lambda _, number=number: told.append(str(number)))
        await asyncio.sleep(0.01)
        told.append("settled")
        undecided.settle("a")
        await asyncio.gather(*waiting)
        await asyncio.sleep(0)
        assert "a" not in undecided
        return told

    assert asyncio.run(scene()) == ["settled", "0", "1", "2"]


def test_one_that_gives_up_waiting_takes_nobody_with_it():
    async def scene() -> None:
        undecided = Undecided()
        undecided.add("a")
        impatient, patient = (asyncio.ensure_future(undecided.wait("a")) for _ in range(2))
        await asyncio.sleep(0.01)
        impatient.cancel()
        await asyncio.sleep(0.01)
        assert not patient.done()
        undecided.settle("a")
        await asyncio.wait_for(patient, 1)

    asyncio.run(scene())


def test_nobody_waits_for_what_is_settled_and_settling_twice_is_nothing():
    async def scene() -> None:
        undecided = Undecided()
        await asyncio.wait_for(undecided.wait("never there"), 1)
        undecided.add("a")
        undecided.add("a")
        undecided.settle("a")
        undecided.settle("a")
        await asyncio.wait_for(undecided.wait("a"), 1)

    asyncio.run(scene())
