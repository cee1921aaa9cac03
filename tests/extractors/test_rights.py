"""Licences by their SPDX names, and refusals of use for AI with their place."""

from __future__ import annotations

import pytest

from crawlers.extractors.page import Page
from crawlers.extractors.rights import license_of, signals_of, spdx


def page(html):
    return Page(html.encode(), "http://a.example/", {"content-type": ["text/html"]})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/licenses/by/3.0/de/", "CC-BY-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://a.example/terms", "https://a.example/terms"),
    ],
)
def test_spdx(address, name):
    assert spdx(address) == name


@pytest.mark.parametrize(
    ("html", "name", "evidence"),
    [
        ('<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">x</a>', "CC-BY-4.0", "rel=license"),
        ('<link rel="license" href="/terms">', "http://a.example/terms", "rel=license"),
        ('<script type="application/ld+json">{"license": "https://creativecommons.org/licenses/by/4.0/"}</script>', "CC-BY-4.0", "schema.org"),
        ('<footer><a href="https://creativecommons.org/licenses/by-nc/4.0/">CC</a></footer>', "CC-BY-NC-4.0", "link"),
    ],
)  # fmt: skip
def test_a_licence_and_where_it_stood(html, name, evidence):
    found, where = license_of(page(html))
    assert found == name
    assert where.startswith(evidence)


def test_none_is_guessed():
    assert license_of(page("<p>All rights reserved. CC BY is a licence.</p>")) == (None, None)


@pytest.mark.parametrize(
    ("html", "optout"),
    [
        ('<meta name="robots" content="index, noai">', [True]),
        ('<meta name="robots" content="NoImageAI">', [True]),
        ('<meta name="tdm-reservation" content="1">', [True]),
        ('<meta name="tdm-reservation" content="0">', [False]),
        ('<meta name="robots" content="noindex">', []),
        ('<meta name="description" content="noai">', []),
    ],
)
def test_signals(html, optout):
    assert [signal.optout for signal in signals_of(page(html))] == optout
