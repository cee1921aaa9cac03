"""The test site itself: what it promises to the other tests."""

from __future__ import annotations

import contextlib
import gc
import gzip
import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.misbehaviours import BOMB_BYTES, bomb_bytes
from tests.pages import Topology
from tests.server import Site
from tests.shop import shop_html


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, without following redirects."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", "/" + path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("topology", [Topology("catalogue", 95), Topology("tree", 95, 4)], ids=lambda t: t.kind)
def test_every_path_of_a_topology_is_reached_by_links_and_nothing_else(topology: Topology) -> None:
    seen, queue = {"/"}, ["/"]
    while queue:
        for link in topology.links(queue.pop()) or []:
            if link not in seen:
                seen.add(link)
                queue.append(link)
    assert seen == set(topology.paths())
    assert len(topology.content_paths()) == 95


@pytest.mark.parametrize("path", ["/item/0", "/item/96", "/list/99", "/nowhere"])
def test_paths_outside_the_topology_do_not_exist(path: str) -> None:
    assert Topology("catalogue", 95).links(path) is None


def test_pages_are_the_same_in_each_site_of_a_seed_and_differ_between_seeds() -> None:
    with Site(seed=1) as one, Site(seed=1) as same, Site(seed=2) as other:
        bodies = [get(s.url("/item/3"))[2] for s in (one, same, other)]
    assert bodies[0] == bodies[1] != bodies[2]


def test_gzip_is_sent_to_those_who_take_it(site: Site) -> None:
    plain = get(site.url("/item/1"))
    packed = get(site.url("/item/1"), **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain[1]
    assert gzip.decompress(packed[2]) == plain[2]


def test_an_unchanged_page_answers_304_and_a_changed_one_does_not(site: Site) -> None:
    etag = get(site.url("/item/1"))[1]["etag"]
    assert get(site.url("/item/1"), **{"If-None-Match": etag})[0] == 304
    site.change("/item/1")
    assert get(site.url("/item/1"), **{"If-None-Match": etag})[0] == 200
    site.remove("/item/1")
    assert get(site.url("/item/1"))[0] == 404


def test_own_pages_come_first(site: Site) -> None:
    site.add("/item/1", "mine")
    site.add("/made", lambda asked: None)
    assert get(site.url("/item/1"))[2] == b"mine"
    assert get(site.url("/made"))[0] == 404


def test_the_log_tells_what_was_asked_and_answered(site: Site) -> None:
    get(site.url("/status/503?a=1"), **{"X-Test": "yes"})
    asked = site.asked("/status")[0]
    assert (asked.route, asked.query, asked.status) == ("/status/503", {"a": "1"}, 503)
    assert asked.headers["x-test"] == "yes"
    assert abs(asked.at - time.time()) < 5


def test_robots_is_a_text_or_a_status(site: Site) -> None:
    site.robots = "User-agent: *\nDisallow: /x\n"
    assert b"Disallow: /x" in get(site.url("/robots.txt"))[2]
    site.robots = 503
    assert get(site.url("/robots.txt"))[0] == 503


@pytest.mark.parametrize("path", ["/reset", "/nothing"])
def test_connections_that_end_without_an_answer(site: Site, path: str) -> None:
    with pytest.raises(ConnectionError):
        get(site.url(path))


def test_a_cut_page_is_shorter_than_promised(site: Site) -> None:
    with pytest.raises(http.client.IncompleteRead):
        get(site.url("/cut"))


def test_a_failing_share_follows_the_seed() -> None:
    def outcomes(seed: int) -> list[bool]:
        with Site(seed=seed) as site:
            site.flaky = 0.5
            result = []
            for n in range(20):
                try:
                    get(site.url(f"/item/{n + 1}"))
                    result.append(True)
                except ConnectionError:
                    result.append(False)
            return result

    assert outcomes(1) == outcomes(1) != outcomes(2)
    assert 3 < sum(outcomes(1)) < 17


def test_an_outage_closes_connections_that_were_accepted_that_moment(site: Site) -> None:
    site.call_soon(time.sleep, 0.2)
    clients = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(5)]
    site.stop_listening()
    gc.collect()
    for client in clients:
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_an_outage_refuses_and_ends_on_the_same_port(site: Site) -> None:
    port = site.port
    site.stop_listening()
    with pytest.raises(ConnectionError):
        get(site.url("/"))
    site.listen_again()
    assert site.port == port
    assert get(site.url("/"))[0] == 200


@pytest.mark.parametrize("date", ["", "?date=1"])
def test_retry_after_refuses_inside_its_window_only(site: Site, date: str) -> None:
    first = get(site.url(f"/retry-after/1{date}"))
    assert first[0] == get(site.url(f"/retry-after/1{date}"))[0] == 429
    assert first[1]["retry-after"].endswith("GMT") == bool(date)
    key = f"/retry-after/1{date}"
    site.windows[key] = time.time() - 0.01
    assert get(site.url(f"/retry-after/1{date}"))[0] == 200


def test_redirects(site: Site) -> None:
    assert get(site.url("/redirect/2"))[1]["location"] == "/redirect/1"
    assert get(site.url("/redirect/0"))[0] == 200
    assert get(site.url("/redirect-loop/a"))[1]["location"] == "/redirect-loop/b"
    assert get(site.url("/redirect-to?url=file:///etc/passwd&status=301"))[0] == 301
    assert get(site.url("/private"))[1]["location"].startswith("/login")


@pytest.mark.parametrize(("kind", "unpack"), [("gzip", 31), ("deflate", 15)])
def test_a_bomb_gives_as_much_as_it_says(kind: str, unpack: int) -> None:
    assert len(bomb_bytes(kind, 64 << 20)) < 1 << 20
    unpacked = zlib.decompressobj(unpack).decompress(
        bomb_bytes(kind, 64 << 20), (64 << 20) - 1
    )  # the checksum is not right
    assert len(unpacked) == (64 << 20) - 1
    assert BOMB_BYTES == 1 << 30


def test_several_requests_on_one_connection_and_in_one_packet(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as sock:
        sock.sendall(b"GET /status/201 HTTP/1.1\r\nHost: x\r\n\r\nGET /slow?seconds=0 HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        sock.settimeout(5)
        data = b""
        while data.count(b"HTTP/1.1 ") < 4:
            data += sock.recv(65536)
    assert len(site.log) == 4
    assert len({a.client for a in site.log}) == 1


def test_as_a_process_it_prints_its_url_and_writes_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "tests.server", "--pages", "10", "--topology", "tree", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url + "/node/9") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url + "/node/10")
        caught.value.close()
        process.terminate()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [("/node/9", 200), ("/node/10", 404)]


def test_a_page_of_the_shop_is_an_ordinary_one():
    """Its share, for 20 of 23.8 KB, of what real pages have; see tests/shop.py."""
    shop = Topology("shop", 400)
    seen = {"bytes": 0, "links": 0, "nodes": 0, "metas": 0, "words": 0}
    paths = shop.content_paths()[::40]
    for path in paths:
        html = shop_html(path, shop.links(path), shop.lists, is_list=False, seed=0, version=1, size=20_000, meta=False)
        tree = LexborHTMLParser(html)
        seen["bytes"] += len(html.encode())
        seen["links"] += len(tree.css("a[href]"))
        seen["nodes"] += sum(1 for _ in tree.root.traverse(include_text=True))
        seen["metas"] += len(tree.css("meta"))
        seen["words"] += len(tree.body.text().split())
    share = 20 / 23.8
    wanted = {"bytes": 20_000, "links": 49 * share, "nodes": 634 * share, "metas": 14 * share, "words": 1075 * share}
    assert {name: number / len(paths) for name, number in seen.items()} == pytest.approx(wanted, rel=0.15)
