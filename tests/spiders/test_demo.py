"""The source `demo`: the real command against the site that it serves to itself, undisturbed, killed, and run again."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler
from sqlalchemy.exc import OperationalError

from crawlers.demo import forum, news, shop, truth
from crawlers.demo.server import HOST, DemoServer
from crawlers.errors import ArgumentError, ConfigurationError
from crawlers.spiders.demo import DemoSpider
from tests.flow import harness

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def crawl(port: int, *more: str) -> list[str]:
    return ["crawl", "demo", "-s", f"DEMO_PORT={port}", *more]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def kept(data: Path) -> dict[str, dict]:
    return {path_of(record["url"]): record for record in harness.records(data, "demo")}


def rejected(data: Path) -> dict[str, list[str]]:
    """Reason to paths, in order."""
    with contextlib.closing(sqlite3.connect(data / "gristmill.db")) as db:
        found: dict[str, list[str]] = {}
        for reason, url in db.execute("SELECT reason, url FROM rejections"):
            found.setdefault(reason, []).append(path_of(url))
    return {reason: sorted(paths) for reason, paths in found.items()}


@pytest.fixture(scope="module")
def port() -> int:
    """One port for all: the addresses of two crawls are to be the same."""
    return free_port()


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    data = tmp_path_factory.mktemp("demo")
    result = harness.run(data, *crawl(port), NETWORK_ALLOW="")
    assert result.code == 0, result
    harness.ledger_is_sound(data)
    return data


# --- what is planted is found ---------------------------------------------------------------------------------------


def test_what_is_planted_is_rejected_for_its_reason(crawled):
    found = rejected(crawled)
    products = {product.slug: product.path for product in shop.products()}
    assert found["excluded-keyword"] == sorted(truth.OFF_TOPIC)
    assert found["opt-out"] == [truth.OPT_OUT]
    assert found["empty"] == [truth.EMPTY]
    assert found["blurred-image"] == sorted(products[slug] for slug in truth.BLURRED)
    assert found["broken-image"] == [products[truth.TRUNCATED]]
    assert sum(map(len, found.values())) == 21


def test_the_impossible_price_is_rejected_by_the_schema(crawled):
    with contextlib.closing(sqlite3.connect(crawled / "gristmill.db")) as db:
        rows = db.execute("SELECT url, detail FROM rejections WHERE stage = 'validate'").fetchall()
    assert [path_of(url).rpartition("/")[2] for url, _ in rows] == list(truth.IMPOSSIBLE_PRICES)
    assert "price" in rows[0][1]


@pytest.mark.parametrize(
    ("reason", "copies"), [("exact-duplicate", truth.EXACT_DUPLICATES), ("near-duplicate", truth.NEAR_DUPLICATES)]
)
def test_one_of_each_pair_is_kept(crawled, reason, copies):
    """Which one depends on which came first."""
    records, refused = kept(crawled), rejected(crawled)[reason]
    assert len(refused) == len(copies)
    for copy, original in copies.items():
        assert {copy, original} & set(refused)
        assert len({copy, original} & set(records)) == 1


def test_everything_else_is_kept(crawled):
    copies = truth.EXACT_DUPLICATES | truth.NEAR_DUPLICATES
    found = {copies.get(path, path) for path in kept(crawled)}
    refused = {truth.OPT_OUT, *truth.OFF_TOPIC}
    bad = {*truth.BLURRED, truth.TRUNCATED, *truth.IMPOSSIBLE_PRICES}
    expected = {article.path for article in news.articles()} - refused
    expected |= {product.path for product in shop.products() if product.slug not in bad}
    assert found == expected | {thread.path for thread in forum.threads()} | {"/about"}


def test_requests_end_as_they_should(crawled):
    with contextlib.closing(sqlite3.connect(crawled / "gristmill.db")) as db:
        odd = db.execute("SELECT url, state, reason FROM requests WHERE state <> 'done'").fetchall()
    assert {(path_of(url), state) for url, state, _ in odd} == {
        *((path, "failed") for path in truth.MISSING),
        (truth.DISALLOWED, "skipped"),
    }


# --- what is kept is as it was written ------------------------------------------------------------------------------


def test_a_story_is_kept_word_for_word(crawled):
    records = kept(crawled)
    for article in news.articles():
        record = records.get(article.path)
        if record is None or article.path == truth.BROKEN_JSON_LD:
            continue
        text = " ".join(record["text"].split())
        assert all(" ".join(part.split()) in text for part in article.texts), article.path
        assert "Read on" not in text
        assert (record["title"], record["authors"]) == (article.title, [article.author])
        assert record["language"] == article.language
        assert record["published_at"] == f"{article.date}T06:00:00Z"


def test_a_wrong_charset_does_no_harm(crawled):
    assert "Jörg Überreiter" in kept(crawled)[truth.WRONG_CHARSET]["authors"]


def test_hidden_text_is_flagged_and_left_out(crawled):
    record = kept(crawled)[truth.HIDDEN_TEXT]
    assert "hidden-text" in record["flags"]
    assert "Cheap watches" not in record["text"]


def test_broken_json_ld_is_flagged_and_the_story_kept(crawled):
    record = kept(crawled)[truth.BROKEN_JSON_LD]
    assert "broken-json-ld" in record["flags"]
    assert record["title"] == "They break the ice and call it breakfast"


def test_products_have_their_facts_and_a_picture(crawled):
    records = kept(crawled)
    for product in shop.products():
        record = records.get(product.path)
        if record is None:
            continue
        fields = record["fields"]
        assert (fields["price"], fields["currency"]) == (float(product.price), "EUR")
        assert (fields["sku"], fields["availability"]) == (product.sku, product.availability)
        main = record["media"][0]
        assert (main["width"], main["media_type"]) == (160, "image/png")
        assert (crawled / main["path"]).is_file()


def test_threads_have_their_posts(crawled):
    records = kept(crawled)
    for thread in forum.threads():
        posts = records[thread.path]["fields"]["posts"]
        assert [post["author"] for post in posts] == [post.author for post in thread.posts]
        assert [post["text"] for post in posts] == [post.text for post in thread.posts]
        assert [post.get("quotes", []) for post in posts] == [[p.quote] if p.quote else [] for p in thread.posts]


# --- again, and killed ----------------------------------------------------------------------------------------------


def test_killed_and_resumed_it_asks_for_the_same_addresses(crawled, tmp_path, port):
    data = tmp_path / "data"

    def half_way() -> bool:
        try:
            return harness.states(data).get("done", 0) > 40
        except OperationalError:
            return False

    assert harness.run_and_kill(data, *crawl(port), when=half_way)
    result = harness.run(data, *crawl(port))
    assert result.code == 0, result
    assert urls(data) == urls(crawled)
    assert len(kept(data)) == len(kept(crawled))
    assert Counter(map(len, rejected(data).values())) == Counter(map(len, rejected(crawled).values()))
    harness.ledger_is_sound(data)


def urls(data: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(data / "gristmill.db")) as db:
        return sorted(db.execute("SELECT url, state FROM requests"))


def test_a_second_round_changes_nothing(crawled, tmp_path, port):
    data = tmp_path / "data"
    shutil.copytree(crawled, data)
    result = harness.run(data, *crawl(port))
    assert result.code == 0, result
    assert kept(data) == kept(crawled)
    assert {record["version"] for record in kept(data).values()} == {1}


# --- wrong use ------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_wrong_use(tmp_path):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        result = harness.run(tmp_path, *crawl(port))
    assert result.code == 2, result
    assert f"-s DEMO_PORT={port + 1}" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_is_none_is_wrong_use(port):
    crawler = get_crawler(DemoSpider, {"DEMO_PORT": port})
    with pytest.raises(ConfigurationError, match="DEMO_PORT"):
        DemoSpider.from_crawler(crawler)


def test_an_unknown_argument_is_wrong_use():
    with pytest.raises(ArgumentError, match="exclude"):
        DemoSpider(exclud="casino")


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("priority", ["default", "project", "cmdline"])
def test_loopback_is_allowed_besides_what_the_user_allows(priority):
    settings = Settings()
    settings.set("NETWORK_ALLOW", "10.0.0.0/8, 192.168.0.0/16", priority=priority)
    DemoSpider.update_settings(settings)
    assert [part.strip() for part in settings["NETWORK_ALLOW"].split(",")] == [
        "10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8",
    ]  # fmt: skip


def test_loopback_is_not_named_twice():
    settings = Settings({"NETWORK_ALLOW": "127.0.0.0/8"})
    DemoSpider.update_settings(settings)
    assert settings["NETWORK_ALLOW"] == "127.0.0.0/8"


def test_it_does_not_dawdle_with_itself():
    settings = Settings({"DOWNLOAD_DELAY": 3})
    DemoSpider.update_settings(settings)
    assert settings.getfloat("DOWNLOAD_DELAY") == 0


def test_advertisements_are_excluded_unless_one_wants_them():
    assert DemoSpider().args.exclude == list(truth.EXCLUDE)
    assert DemoSpider(exclude="").args.exclude == []


def test_it_starts_at_the_port_that_is_set():
    with DemoServer() as site:
        spider = DemoSpider.from_crawler(get_crawler(DemoSpider, {"DEMO_PORT": site.server_port}))
        assert spider.first_urls() == [f"{site.origin}/"]
        assert json.dumps(spider.allowed_domains) == '["127.0.0.1"]'
