"""Login forms are told from pages that have a login box besides their content."""

from __future__ import annotations

import pytest

from crawlers.extractors.logins import is_login_page
from crawlers.extractors.text import extract_text
from tests.webpages import ordinary, page_of, saved

FORM = (
    '<form method="post" action="/login"><label>Name <input name="user"></label>'
    '<label>Password <input type="password" name="password"></label><button>Sign in</button></form>'
)
PLAIN = f"<!doctype html><html lang=en><title>Sign in</title><h1>Please sign in</h1>{FORM}</html>"
SENTENCE = "The harbour was dredged for the first time in eleven years, and the ferry ran aground twice. "
BOXES = [
    "<header>{}</header>", "<nav>{}</nav>", "<aside>{}</aside>", "<footer>{}</footer>", '<div class="top-bar"><div>{}</div></div>',
    '<div id="sidebar">{}</div>', '<div class="modal fade">{}</div>', '<div style="display:none">{}</div>', "<div hidden>{}</div>",
    "<dialog>{}</dialog>", "<script>var form = '{}'</script>", "<!-- {} -->",
]  # fmt: skip


def is_login(html, url="https://a.example/x", asked=None):
    page = page_of(html, url)
    return is_login_page(page, extract_text(page).text, asked)


def prose(sentences):
    return f"<article><h1>Harbour</h1><p>{SENTENCE * sentences}</p></article>"


@pytest.mark.parametrize("kind", ["password", "'password'", '"PASSWORD"', '"Password"'])
def test_a_form_that_asks_for_a_password_and_nothing_else(kind):
    assert is_login(PLAIN.replace('"password" name="password"', kind))


@pytest.mark.parametrize("url", ["https://a.example/x", "https://a.example/login?next=/x"])
def test_what_stands_around_the_form_of_real_ones(url):
    more = (
        "<header><a href=/>Gazette</a></header><main><h1>Welcome back</h1><p>Sign in to go on.</p>{}<p><a href=/forgot>Forgot your "
        "password?</a></p><p>New here? <a href=/register>Create an account</a></p></main><footer>Terms · Privacy</footer>"
    )
    assert is_login(more.replace("{}", FORM), url)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("sentences", [1, 8])
def test_a_login_box_beside_content(box, sentences):
    assert not is_login(f"<html><body>{box.replace('{}', FORM)}<main>{prose(sentences)}</main></body></html>")
    asked = "https://a.example/old"
    assert not is_login(
        f"<html><body>{box.replace('{}', FORM)}<main>{prose(sentences)}</main></body></html>", asked=asked
    )


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("place", ["<body", "</body"])
@pytest.mark.parametrize("asked", [None, "https://site.example/moved"])
def test_saved_pages_with_a_login_box_of_no_kind_are_content(name, place, asked):
    html = saved(name).html
    head, tag, rest = html.partition(place)
    if place == "<body":
        attributes, end, rest = rest.partition(">")
        html = f"{head}{tag}{attributes}{end}<div>{FORM}</div>{rest}"
    else:
        html = f"{head}<div>{FORM}</div>{tag}{rest}"
    assert not is_login(html, saved(name).url, asked)


def test_where_the_address_tells_of_a_login_the_page_may_say_more():
    notice = f"<main><h1>Intranet</h1><p>{SENTENCE * 6}</p>{FORM}</main>"
    assert not is_login(notice)
    assert is_login(notice, "https://a.example/users/sign_in")
    gate = "https://a.example/gate.php?back=%2Freport%2F7"
    assert is_login(notice, gate, "https://a.example/report/7")
    assert not is_login(notice.replace(SENTENCE * 6, SENTENCE * 20), gate, "https://a.example/report/7")
    assert not is_login(notice, "https://a.example/authors/jane-blogin")


@pytest.mark.parametrize("asked", ["http://www.a.example/x", "https://a.example/old", "https://a.example/", ""])
def test_a_page_that_moved_is_no_login_for_that(asked):
    assert not is_login(f"<main><h1>Intranet</h1><p>{SENTENCE * 6}</p>{FORM}</main>", asked=asked)


def test_a_page_that_states_what_it_is_is_content():
    stated = '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Harbour"}</script>'
    assert not is_login(stated + PLAIN, asked="https://a.example/harbour")


@pytest.mark.parametrize(
    "path", ["2024/sessions/moving-records", "help/login-problems", "blog/sso-explained", "docs/auth/tokens"]
)
def test_addresses_that_speak_of_logins_are_not_those_of_logins(path):
    assert not is_login(f"<main><h1>Intranet</h1><p>{SENTENCE * 4}</p>{FORM}</main>", f"https://a.example/{path}")


@pytest.mark.parametrize(
    "path", ["wp-login.php", "users/sign_in", "accounts/login/", "sessions/new", "Login.aspx", "auth"]
)
def test_addresses_of_logins(path):
    assert is_login(f"<main><h1>Intranet</h1><p>{SENTENCE * 4}</p>{FORM}</main>", f"https://a.example/{path}?x=1")


@pytest.mark.parametrize(
    "box",
    [
        '<div id="upper_section"><form id="guest_form">{}</form></div>', '<form class="headerspace"><fieldset class="quick-login">{}</fieldset></form>',
        '<div id="menubar"><form id="quickconnect">{}</form></div>',
    ],
)  # fmt: skip
def test_login_boxes_of_forums_and_galleries(box):
    assert not is_login(
        f"<html><body>{box.replace('{}', FORM)}<div id=c><h1>Topic</h1><p>Yes, it works.</p></div></body></html>"
    )


def test_a_page_that_says_in_its_head_what_it_is_is_content_unless_its_address_tells():
    page = page_of(PLAIN, "https://a.example/harbour")
    assert not is_login_page(page, "Log in to comment", typed=True)
    assert is_login_page(page_of(PLAIN, "https://a.example/login"), "Sign in", typed=True)


def test_the_word_alone_is_nothing():
    assert not is_login("<title>Password</title><h1>Choose a good password</h1><p>Long ones.</p>")
