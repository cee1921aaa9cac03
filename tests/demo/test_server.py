"""The demo site's server, asked over real connections."""

from __future__ import annotations

import http.client
import http.server
import socket
import threading

import pytest

from crawlers.demo import server, truth
from crawlers.demo.pages import CHANGED
from crawlers.demo.server import SERVER, DemoServer, serve, who_answers


@pytest.fixture(scope="module")
def running():
    with DemoServer() as site:
        yield site


@pytest.fixture
def ask(running):
    """Send a request on one connection that stays open; return status, headers and body."""
    connection = http.client.HTTPConnection(server.HOST, running.server_port, timeout=10)

    def send(path: str, method: str = "GET", **headers: str):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    yield send
    connection.close()


def test_a_page_comes_with_what_a_conditional_request_needs(ask):
    status, headers, body = ask("/about")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Last-Modified"] == CHANGED
    assert headers["ETag"]


def test_the_connection_is_kept(ask):
    for path in ("/", "/news/", "/nowhere", truth.EMPTY, "/robots.txt"):
        assert ask(path)[1]["Connection"] != "close"


def test_what_is_known_is_not_sent_again(ask):
    _, headers, _ = ask("/about")
    for condition in (
        {"If_None_Match": headers["ETag"]},
        {"If_None_Match": f'"other", W/{headers["ETag"]}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": CHANGED},
    ):
        status, again, body = ask("/about", **condition)
        assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])


def test_another_version_is_sent_even_where_the_date_is_the_same(ask):
    assert ask("/about", If_None_Match='"other"', If_Modified_Since=CHANGED)[0] == 200


def test_different_pages_have_different_tags(ask):
    assert ask("/about")[1]["ETag"] != ask("/")[1]["ETag"]


def test_head_has_no_body(ask):
    status, headers, body = ask("/about", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", [*truth.MISSING, "/shop/chairs/?page=9", "/../etc/passwd"])
def test_what_is_not_there_is_404(ask, path):
    status, headers, body = ask(path, If_None_Match="*")
    assert status == 404
    assert headers["ETag"] is None
    assert b"no such page" in body


def test_a_query_is_part_of_the_address(ask):
    assert ask("/shop/chairs/?page=2")[2] != ask("/shop/chairs/")[2]


def test_addresses_in_pages_are_those_of_the_server(ask, running):
    assert f"Sitemap: {running.origin}/sitemap.xml" in ask("/robots.txt")[2].decode()


def is_ours(port: int) -> bool:
    return who_answers(port) == SERVER


class Other(http.server.BaseHTTPRequestHandler):
    """Somebody else's server."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *args: object) -> None:
        pass


def test_a_port_that_somebody_else_serves_is_refused():
    with http.server.HTTPServer((server.HOST, 0), Other) as other:
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        try:
            assert who_answers(other.server_port).startswith("BaseHTTP")
            with pytest.raises(OSError, match="in use"):
                serve(other.server_port)
        finally:
            other.shutdown()
            thread.join()


def test_nobody_answers_on_a_free_port():
    with DemoServer() as site:
        port = site.server_port
        assert is_ours(port)
    assert who_answers(port) == ""


def test_a_port_whose_holder_says_nothing_is_asked_for_until_it_is_free():
    """A process of ours that is about to end still has the port and answers no more."""
    with socket.create_server((server.HOST, 0)) as silent:
        port = silent.getsockname()[1]
        threading.Timer(0.3, silent.close).start()
        serve(port)
    assert is_ours(port)


def test_a_second_process_stands_by_and_takes_over():
    with DemoServer() as first:
        port = first.server_port
        serve(port)
        assert is_ours(port)
    for _ in range(100):
        if is_ours(port):
            return
        threading.Event().wait(0.05)
    pytest.fail("nobody took the port over")
