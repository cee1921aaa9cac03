"""What can be told from the URL alone."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.utils.test import get_crawler

from crawlers.middlewares.guard import GuardMiddleware
from crawlers.middlewares.outcomes import Skipped, mark
from crawlers.network import AddressPolicy
from tests.addresses import FORBIDDEN, ORDINARY


def verdict(url: str, guard: GuardMiddleware | None = None) -> str | None:
    try:
        (guard or GuardMiddleware(AddressPolicy())).process_request(Request(url))
    except Skipped as exc:
        return exc.reason
    return None


@pytest.mark.parametrize("host", [host for host in FORBIDDEN if "%" not in host])
def test_forbidden_hosts(host: str) -> None:
    assert verdict(f"http://{host}:8000/x") == "forbidden-address"
    assert verdict(f"https://user:password@{host}/x") == "forbidden-address"


def test_ordinary_hosts_are_let_through() -> None:
    assert [host for host in ORDINARY if verdict(f"http://{host}/")] == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:text/plain,x", "ftp://a/b", "gopher://a", "javascript://x"]
)
def test_schemes_without_a_handler(url: str) -> None:
    assert verdict(url) == "forbidden-scheme"


def test_a_scheme_that_has_a_handler_is_let_through() -> None:
    settings = {"DOWNLOAD_HANDLERS": {"sql": "some.Handler", "ftp": None, "file": None, "data": None}}
    guard = GuardMiddleware.from_crawler(get_crawler(settings_dict=settings))
    assert verdict("sql://table/1", guard) is None
    assert verdict("ftp://a/b", guard) == "forbidden-scheme"
    assert verdict("http:///nothing", guard) == "forbidden-address"


def test_allowed_networks_are_read_from_the_settings() -> None:
    guard = GuardMiddleware.from_crawler(get_crawler(settings_dict={"NETWORK_ALLOW": "127.0.0.0/8"}))
    assert verdict("http://127.0.0.1/", guard) is None
    assert verdict("http://10.0.0.1/", guard) == "forbidden-address"


def test_a_marked_request_ends_with_the_reason_it_was_marked_with() -> None:
    crawler = get_crawler()
    guard = GuardMiddleware(AddressPolicy(), stats=crawler.stats)
    with pytest.raises(Skipped, match="too-deep: 7 links") as caught:
        guard.process_request(mark(Request("http://example.com/"), "too-deep", "7 links"))
    assert caught.value.reason == "too-deep"
    assert crawler.stats.get_value("guard/skipped/too-deep") == 1
