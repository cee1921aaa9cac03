from __future__ import annotations

import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from crawlers import flow
from crawlers.errors import ArgumentError, ConfigurationError
from crawlers.sources.web import WebSource


class PickySpider(Spider):
    name = "picky"

    def __init__(self, url=None, **kwargs):
        super().__init__(**kwargs)
        if url is None:
            raise ArgumentError("url: expected an address, got none: -a url=https://…")


class Ready:
    """Does one thing. And says more here.

    Settings:
        READY_LIMIT: how much, and ``READY_ENABLED``.
        GRISTMILL_MODE: internal.

    Stats:
        NOT_A_SETTING
    """

    @classmethod
    def from_crawler(cls, crawler):
        return cls()


class Unready(Ready):
    """Cannot work here."""

    @classmethod
    def from_crawler(cls, crawler):
        raise NotConfigured("READY_LIMIT is 0: set it")


class Silent:
    """Like Scrapy's own: off, and does not say why."""

    @classmethod
    def from_crawler(cls, crawler):
        if not crawler.settings.getbool("SILENT_ENABLED"):
            raise NotConfigured
        return cls()


class Broken:
    """Has been given nonsense."""

    @classmethod
    def from_crawler(cls, crawler):
        raise ConfigurationError("READY_LIMIT: expected a number, got 'many'")


class Undocumented:
    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler.settings.getint("PLAIN_LIMIT"), crawler.settings["PLAIN_NAME"])

    def __init__(self, *args):
        pass


def ready(settings=None, **arguments):
    crawler = Crawler(PickySpider, {"EXTENSIONS_BASE": {}, **(settings or {})})
    return crawler, flow.prepare(crawler, arguments)


def built(**listed) -> dict[str, flow.Component]:
    crawler, _ = ready(
        {"EXTENSIONS": {globals()[name]: order for name, order in listed.items()}, "READY_LIMIT": 7}, url="x"
    )
    return {component.name: component for component in flow.components(crawler, "EXTENSIONS")}


def test_a_component_that_works_is_on():
    found = built(Ready=5)["Ready"]
    assert (found.state, found.order, found.does) == (flow.ON, 5, "Does one thing.")
    assert found.settings == {"READY_LIMIT": 7, "READY_ENABLED": None}


def test_a_component_that_cannot_work_says_what_to_change():
    found = built(Unready=5)["Unready"]
    assert (found.state, found.why) == (flow.OFF, "READY_LIMIT is 0: set it")


def test_where_it_does_not_say_its_source_does():
    found = built(Silent=5)["Silent"]
    assert (found.state, found.why) == (flow.OFF, "not set: SILENT_ENABLED")


def test_a_component_set_to_none_is_off():
    found = built(Ready=None)["Ready"]
    assert (found.state, found.why, found.order) == (flow.OFF, "set to None in EXTENSIONS", None)


def test_an_error_is_shown_at_its_component():
    found = built(Broken=1, Ready=2)
    assert (found["Broken"].state, found["Broken"].why) == (flow.BROKEN, "READY_LIMIT: expected a number, got 'many'")
    assert found["Ready"].state == flow.ON


def test_a_path_that_leads_nowhere_is_an_error():
    crawler, _ = ready({"EXTENSIONS": {"nowhere.to.BeFound": 1}}, url="x")
    (found,) = flow.components(crawler, "EXTENSIONS")
    assert found.state == flow.BROKEN
    assert "nowhere" in found.why


def test_order_is_that_of_the_flow_and_what_is_off_comes_last():
    found = built(Ready=None, Silent=9, Unready=3, Undocumented=1)
    assert list(found) == ["Undocumented", "Unready", "Silent", "Ready"]


def test_settings_are_found_in_source_where_no_docstring_names_them():
    assert flow.settings_of(Undocumented) == ["PLAIN_LIMIT", "PLAIN_NAME"]
    assert flow.settings_of(Ready) == ["READY_LIMIT", "READY_ENABLED", "GRISTMILL_MODE"]


def test_the_base_list_is_overridden_by_either_name_of_a_class():
    path = "scrapy.extensions.logstats.LogStats"
    crawler, _ = ready({"EXTENSIONS_BASE": {path: 0}, "EXTENSIONS": {path: None}}, url="x")
    assert [component.state for component in flow.components(crawler, "EXTENSIONS")] == [flow.OFF]


def test_download_handlers_are_listed_by_scheme():
    crawler, _ = ready(url="x")
    found = {component.name: component for component in flow.components(crawler, "DOWNLOAD_HANDLERS")}
    assert found["http:"].state == flow.ON
    crawler.settings.set("DOWNLOAD_HANDLERS", {"ftp": None, "odd": "nowhere.Handler"})
    found = {component.name: component for component in flow.components(crawler, "DOWNLOAD_HANDLERS")}
    assert (found["ftp:"].state, found["odd:"].state) == (flow.OFF, flow.BROKEN)


def test_a_spider_without_its_arguments_does_not_hide_the_rest():
    crawler, problem = ready()
    assert problem == "url: expected an address, got none: -a url=https://…"
    assert crawler.spider.name == "picky"
    assert ready(url="https://shop.example")[1] is None


class Shelf(WebSource):
    """A shelf of books. And more of it."""

    name = "shelf"


class Shop(Shelf):
    """A shop that is a shelf."""

    name = "shop"


class Loader:
    """What a spider loader tells."""

    def list(self):
        return ["shop", "shelf", "picky"]

    def load(self, name):
        return {cls.name: cls for cls in (Shop, Shelf, PickySpider)}[name]


def test_sources_are_listed_by_name_with_kind_and_one_line():
    found = [(known.name, known.kind, known.does) for known in flow.sources(Loader())]
    assert found == [
        ("picky", "spider", ""),
        ("shelf", "web", "A shelf of books."),
        ("shop", "web", "A shop that is a shelf."),
    ]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("DATA_DIR", "data", "data"),
        ("NETWORK_ALLOW", "", "(empty)"),
        ("EXPORTS", None, "(empty)"),
        ("RETRY_TIMES", 0, "0"),
        ("ROBOTSTXT_OBEY", False, "False"),
        ("SCHEDULER", "crawlers.ledger.scheduler.LedgerScheduler", "LedgerScheduler"),
        ("DATABASE_URL", "postgresql://me:canary@db/x", "(set)"),
        ("HTTPAUTH_PASS", "canary", "(set)"),
        ("REFERRER_POLICIES", object(), "(object)"),
        ("USER_AGENT", "x" * 100, "x" * 57 + "..."),
    ],
)
def test_values_are_shown_short_and_without_secrets(name, value, text):
    assert flow.shown(name, value) == text
