"""What is kept of several duplicates does not depend on which of them came first."""

from __future__ import annotations

import itertools
import json
import random
import time
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.utils.request import fingerprint
from scrapy.utils.test import get_crawler

from crawlers.extensions.precedence import PrecedenceExtension
from tests.flow import harness
from tests.pages import WORDS
from tests.server import Site

PIPELINES = json.dumps(
    {
        "crawlers.pipelines.deduplicate.DeduplicatePipeline": 300,
        "crawlers.pipelines.keywords.KeywordsPipeline": 400,
        "crawlers.pipelines.store.StorePipeline": 900,
    }
)


def text_of(seed: int, words: int = 200) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(words)]


def edited(words: list[str], *places: int) -> list[str]:
    return [f"{word}x" if place in places else word for place, word in enumerate(words)]


BASE = text_of(1)
CHAIN = {
    # Each is near the next (Jaccard 0.86), and not near the one after that.
    "a": " ".join(BASE),
    "b": " ".join(edited(BASE, 20, 60, 100)),
    "c": " ".join(edited(BASE, 20, 60, 100, 140, 180, 190)),
    "d": " ".join(edited(BASE, 20, 60, 100, 140, 180, 190, 40, 80, 120)),
}
"""By precedence a and c are kept, b and d rejected."""


@pytest.fixture
def site():
    with Site(pages=1) as site:
        yield site


def command(tmp_path, site, pages, **settings):
    given = tmp_path / "pages.json"
    given.write_text(json.dumps(pages))
    plain = {**harness.PLAIN, "ITEM_PIPELINES": PIPELINES, "TRAP_PAGES": "0", **settings}
    return ["crawl", "copies", "-a", f"url={site.url('/')}", "-a", f"pages={given}", *harness.settings(**plain)]


def crawl(tmp_path, site, pages, **settings):
    return harness.run(tmp_path, *command(tmp_path, site, pages, **settings))


def kept(data):
    return [record["key"] for record in sorted(harness.records(data, "copies"), key=lambda record: record["key"])]


def rejected(data):
    result = harness.run(data, "rejected", "copies", "--format", "jsonl", "-s", "SPIDER_MODULES=tests.flow.spiders")
    assert result.code == 0, result
    return {row["key"]: row for row in map(json.loads, result.out.splitlines())}


@pytest.mark.parametrize(
    ("settings", "why"),
    [({}, "SCHEDULER"), ({"GRISTMILL_MODE": "readmit"}, "looks at what it is told to")],
    ids=["another-scheduler", "readmit"],
)
def test_it_is_there_where_a_ledger_is_and_nobody_chose(settings, why):
    scheduler = {"SCHEDULER": "crawlers.ledger.scheduler.LedgerScheduler"} if settings else {}
    with pytest.raises(NotConfigured, match=why):
        PrecedenceExtension.from_crawler(get_crawler(settings_dict={**scheduler, **settings}))


ORDERS = [*itertools.permutations("abcd")]


@pytest.mark.parametrize("order", [ORDERS[i] for i in (0, 5, 9, 14, 18, 23)], ids="".join)
@pytest.mark.parametrize("together", [True, False], ids=["one-page", "a-page-each"])
def test_of_a_chain_of_near_copies_the_same_are_kept_in_every_order(tmp_path, site, order, together):
    records = [[key, CHAIN[key]] for key in order]
    pages = [records] if together else [[record] for record in records]
    result = crawl(tmp_path, site, pages, CONCURRENT_REQUESTS="1" if order[0] in "ab" else "16")
    assert result.code == 0, result
    assert kept(tmp_path) == ["a", "c"]
    refused = rejected(tmp_path)
    assert {key: row["reason"] for key, row in refused.items()} == {"b": "near-duplicate", "d": "near-duplicate"}
    harness.ledger_is_sound(tmp_path)


def test_of_equal_texts_the_one_with_the_shortest_key_is_kept_and_named_by_all_others(tmp_path, site):
    rng = random.Random(7)
    keys = [f"/item/{n}" for n in range(9, 40)] + ["/item/8?ref=mail"]
    rng.shuffle(keys)
    pages = [[[key, CHAIN["a"]] for key in keys[n : n + 3]] for n in range(0, len(keys), 3)]
    result = crawl(tmp_path, site, pages)
    assert result.code == 0, result
    assert kept(tmp_path) == ["/item/9"]
    named = {row["duplicate_of"] for row in rejected(tmp_path).values()}
    assert named == {harness.records(tmp_path, "copies")[0]["id"]}
    assert "1 record kept, 31 rejected" in result.out


@pytest.mark.parametrize("order", ["abc", "cba", "bac", "cab"])
def test_a_record_that_a_later_stage_refuses_takes_nobodys_place(tmp_path, site, order):
    texts = {"a": CHAIN["a"] + " forbidden", "b": CHAIN["a"], "c": CHAIN["a"]}
    result = crawl(tmp_path, site, [[[key, texts[key]]] for key in order], KEYWORDS_NONE="forbidden")
    assert result.code == 0, result
    assert kept(tmp_path) == ["b"]
    assert {key: row["reason"] for key, row in rejected(tmp_path).items()} == {
        "a": "excluded-keyword",
        "c": "exact-duplicate",
    }


def test_what_an_earlier_crawl_kept_stays(tmp_path, site):
    assert crawl(tmp_path, site, [[["long-key", CHAIN["a"]]]]).code == 0
    result = crawl(tmp_path, site, [[["a", CHAIN["a"]]], [["long-key", CHAIN["a"]]]])
    assert result.code == 0, result
    assert kept(tmp_path) == ["long-key"]
    assert rejected(tmp_path)["a"]["duplicate_of"] == harness.records(tmp_path, "copies")[0]["id"]


def test_a_copy_takes_the_place_of_a_record_that_the_source_no_longer_gives(tmp_path, site):
    assert crawl(tmp_path, site, [[["old", CHAIN["a"]]]]).code == 0
    result = crawl(tmp_path, site, [[["moved-here", CHAIN["a"]]]])
    assert result.code == 0, result
    assert kept(tmp_path) == ["moved-here"]
    assert rejected(tmp_path) == {}
    harness.ledger_is_sound(tmp_path)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_it_ends_the_same(tmp_path, site, seed):
    rng = random.Random(seed)
    records = [[f"{key}{number}", f"{CHAIN[key]} {number} {number}"] for key in CHAIN for number in range(8)]
    rng.shuffle(records)
    pages = [records[n : n + 2] for n in range(0, len(records), 2)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    assert crawl(whole, site, pages).code == 0
    for _ in range(4):
        moment = time.monotonic() + rng.uniform(1.2, 3.0)
        args = command(killed, site, pages)
        harness.run_and_kill(killed, *args, when=lambda moment=moment: time.monotonic() >= moment)
    result = crawl(killed, site, pages)
    assert result.code == 0, result
    assert kept(killed) == kept(whole) == ["a0", "c0"]
    assert rejected(killed).keys() == rejected(whole).keys()
    harness.ledger_is_sound(killed)


def test_two_workers_end_with_what_one_ends_with(tmp_path, site, postgresql_url):
    rng = random.Random(3)
    records = [[f"{key}{number}", f"{CHAIN[key]} {number} {number}"] for key in CHAIN for number in range(12)]
    rng.shuffle(records)
    two_hosts = SimpleNamespace(url=lambda path: f"{site.url(path)},{site.url(path).replace('127.0.0.1', 'localhost')}")
    settings = {"CONCURRENT_REQUESTS": "4", "DOWNLOAD_DELAY": "0.02", "DEDUP_REFRESH": "30"}
    args = command(tmp_path, two_hosts, [[record] for record in records], **settings)
    workers = [harness.start(tmp_path, *args, DATABASE_URL=postgresql_url) for _ in range(2)]
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, out + err
    assert kept(tmp_path) == ["a0", "c0"]
    harness.ledger_is_sound(tmp_path, DATABASE_URL=postgresql_url)


# --- crawls that end in another way, or go on after they seemed to end -----------------------------------------------

OTHER, ANOTHER = (" ".join(text_of(seed)) for seed in (50, 60))


def test_a_start_that_fails_makes_nobody_vanish(tmp_path, site):
    pages = [[["x", CHAIN["a"]]], [["y", OTHER]]]
    assert crawl(tmp_path, site, pages).code == 0
    result = harness.run(tmp_path, *command(tmp_path, site, pages), COPIES_FAIL="1")
    assert "the list of addresses cannot be read" in result.err
    assert kept(tmp_path) == ["x", "y"]


def test_a_spider_that_is_fed_while_it_is_idle_is_looked_after_each_time(tmp_path, site):
    one = [*command(tmp_path, site, [[["long-key", CHAIN["a"]]]]), "-a", "way=when-idle"]
    assert harness.run(tmp_path, *one).code == 0
    pages = [[["a", CHAIN["a"]]], [["long-key", CHAIN["a"]]], [["bb", OTHER], ["b", OTHER]]]
    result = harness.run(tmp_path, *command(tmp_path, site, pages), "-a", "way=when-idle")
    assert result.code == 0, result
    assert kept(tmp_path) == ["b", "long-key"]
    assert {key: row["reason"] for key, row in rejected(tmp_path).items()} == dict.fromkeys(
        ("a", "bb"), "exact-duplicate"
    )
    harness.ledger_is_sound(tmp_path)


def test_a_page_that_gives_its_text_later_is_not_silenced_by_what_it_gave_first(tmp_path, site):
    pages = [[["a", CHAIN["a"]]], [["b", CHAIN["a"]], ["b", OTHER]]]
    args = [*command(tmp_path, site, pages, CONCURRENT_REQUESTS="1"), "-a", "way=again"]
    result = harness.run(tmp_path, *args)
    assert result.code == 0, result
    assert kept(tmp_path) == ["a", "b"]
    harness.ledger_is_sound(tmp_path)


@pytest.mark.parametrize("turned", [False, True], ids=["copy-first", "change-first"])
def test_a_copy_of_what_a_record_was_before_it_changed_is_kept(tmp_path, site, turned):
    assert crawl(tmp_path, site, [[["w", CHAIN["a"]]]]).code == 0
    pages = [[["x", CHAIN["a"]]], [["w", OTHER]]]
    assert crawl(tmp_path, site, pages[::-1] if turned else pages, CONCURRENT_REQUESTS="1").code == 0
    assert kept(tmp_path) == ["w", "x"]


@pytest.mark.parametrize("turned", [False, True], ids=["old-first", "new-first"])
def test_a_record_that_comes_back_precedes_a_new_one(tmp_path, site, turned):
    assert crawl(tmp_path, site, [[["long-key", CHAIN["a"]]], [["n", OTHER]]]).code == 0
    assert crawl(tmp_path, site, [[["q", ANOTHER]], [["n", OTHER]]]).code == 0
    pages = [[["long-key", CHAIN["a"]]], [["y", CHAIN["a"]]]]
    assert crawl(tmp_path, site, pages[::-1] if turned else pages, CONCURRENT_REQUESTS="1").code == 0
    assert kept(tmp_path) == ["long-key"]


def test_nobody_gives_way_for_a_text_that_another_page_has_the_word_on(tmp_path, site):
    prints = [fingerprint(Request(f"{site.url('/')}?page={number}")).hex() for number in range(30)]
    later = next(number for number in range(2, 30) if prints[number] > prints[1])
    pages = [[] for _ in range(32)]
    pages[0], pages[1], pages[later], pages[31] = [["zz", OTHER]], [["y", CHAIN["a"]]], [["y", OTHER]], [["a", OTHER]]
    assert crawl(tmp_path, site, pages, CONCURRENT_REQUESTS="1").code == 0
    assert kept(tmp_path) == ["a", "y"]
    assert rejected(tmp_path).keys() == {"zz"}


def test_another_item_processor_is_left_alone(tmp_path, site):
    result = crawl(tmp_path, site, [[["w", OTHER]]], ITEM_PROCESSOR="tests.extensions.test_precedence.Processor")
    assert "Traceback" not in result.err, result
    assert "ledger-error" not in result.out


class Processor:
    """The least that Scrapy asks of an item processor."""

    def __init__(self, crawler):
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)

    async def open_spider_async(self):
        """Nothing to open."""

    async def close_spider_async(self):
        """Nothing to close."""

    async def process_item_async(self, item):
        return item
