"""Redirects: followed, bounded, and never out of the web."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.crawl import crawl
from tests.server import Asked, Reply, Site


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: Site, status: int) -> None:
    (end,) = crawl([site.url(f"/redirect-to?url=/item/1&status={status}")]).ends
    assert (end.status, end.url) == (200, site.url("/item/1"))


def test_a_refresh_in_the_page_is_followed(site: Site) -> None:
    (end,) = crawl([site.url("/meta-refresh?url=/item/1")]).ends
    assert end.url == site.url("/item/1")


def test_redirects_without_end_fail(site: Site) -> None:
    (end,) = crawl([site.url("/redirect/30")]).ends
    assert (end.kind, end.reason) == ("Failed", "redirect-loop")
    assert "REDIRECT_MAX_TIMES=20" in end.detail
    assert len(site.asked("/redirect")) == 21


@pytest.mark.parametrize("path", ["/redirect-loop/a", "/redirect-to?url=/redirect-loop/a"])
def test_a_redirect_back_to_where_it_came_from_fails_at_once(site: Site, path: str) -> None:
    (end,) = crawl([site.url(path)]).ends
    assert (end.kind, end.reason) == ("Failed", "redirect-loop")
    assert len(site.asked("/redirect")) <= 3


@pytest.mark.parametrize("way", ["/wall", "/wall?by=detour"])
@pytest.mark.parametrize("honest", [True, False])
def test_a_site_that_tries_whether_cookies_come_back(site: Site, way: str, honest: bool) -> None:
    cookie = ("Set-Cookie", "seen=1; Path=/")

    def wall(asked: Asked) -> Reply:
        if honest and "seen=1" in asked.headers.get("cookie", ""):
            return Reply(200, b"<html>behind the wall</html>")
        if asked.query.get("by"):
            return Reply(302, headers=[("Location", "/detour")])
        return Reply(302, headers=[("Location", asked.path), cookie])

    site.add("/wall", wall)
    site.add("/detour", lambda asked: Reply(302, headers=[("Location", "/wall?by=detour"), cookie]))
    (end,) = crawl([site.url(way)]).ends
    if honest:
        assert (end.status, end.url, end.body) == (200, site.url(way), "<html>behind the wall</html>")
    else:
        assert (end.kind, end.reason) == ("Failed", "redirect-loop")
    assert len(site.asked("/wall")) == 2


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/html,x", "gopher://a/b"])
@pytest.mark.parametrize("way", ["redirect-to", "meta-refresh"])
def test_no_redirect_leaves_the_web(site: Site, target: str, way: str) -> None:
    (end,) = crawl([site.url(f"/{way}?url={quote(target)}")]).ends
    assert (end.kind, end.reason) == ("Skipped", "forbidden-scheme")


def test_a_redirect_to_another_host_takes_that_host_s_slot() -> None:
    with Site() as one, Site(host="127.0.0.77") as two:
        start = one.url(f"/redirect-to?url={quote(two.url('/item/1'))}")
        (end,) = crawl([start]).ends
    assert end.meta["download_slot"] == "127.0.0.77"


def test_a_slot_of_the_user_s_own_is_kept() -> None:
    with Site() as one, Site(host="127.0.0.77") as two:
        start = one.url(f"/redirect-to?url={quote(two.url('/item/1'))}")
        (end,) = crawl([{"url": start, "meta": {"download_slot": "mine"}}]).ends
    assert end.meta["download_slot"] == "mine"


def test_credentials_do_not_travel_to_another_host() -> None:
    secret = {"Authorization": "Basic canary", "Cookie": "session=canary"}
    with Site() as one, Site(host="127.0.0.77") as two:
        start = one.url(f"/redirect-to?url={quote(two.url('/echo'))}")
        result = crawl([{"url": start, "headers": secret}])
        same = crawl([{"url": one.url("/redirect-to?url=/echo"), "headers": {"Authorization": "Basic canary"}}])
    assert "canary" not in result.ends[0].body
    assert "canary" not in str([asked.headers for asked in two.log])
    assert "canary" in str(one.asked("/echo")[0].headers)
    assert same.ends[0].status == 200
