"""Licences and signals: what the page says of itself, with the place where it says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.rights import license_of, signals_of, spdx
from tests.webpages import broken_twins, ordinary, page_of, saved

PLACES = json.loads((Path(__file__).parents[2] / "schemas" / "record.schema.json").read_text())["$defs"]["signal"][
    "properties"
]["place"]["enum"]
BY = "https://creativecommons.org/licenses/by/4.0/"


def ld(value):
    return page_of(f'<script type="application/ld+json">{json.dumps(value)}</script>')


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (BY, "CC-BY-4.0"), ("http://creativecommons.org/licenses/by-nc-sa/3.0/de/", "CC-BY-NC-SA-3.0"),
        ("https://www.creativecommons.org/licenses/BY-ND/4.0", "CC-BY-ND-4.0"), ("//creativecommons.org/licenses/by/2.5/", "CC-BY-2.5"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"), ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/sampling+/1.0/", "https://creativecommons.org/licenses/sampling+/1.0/"),
        ("https://creativecommons.org/about/", "https://creativecommons.org/about/"), ("https://a.example/terms", "https://a.example/terms"),
        ("https://evil.example/?x=https://creativecommons.org/licenses/by/4.0/", "https://evil.example/?x=https://creativecommons.org/licenses/by/4.0/"),
    ],
)  # fmt: skip
def test_addresses_become_spdx_identifiers_where_there_is_one(address, name):
    assert spdx(address) == name


def test_the_article_s_licence_is_its_own_and_not_its_picture_s():
    assert license_of(saved("article")) == (
        "CC-BY-SA-4.0",
        "schema.org license: https://creativecommons.org/licenses/by-sa/4.0/",
    )


@pytest.mark.parametrize(
    ("html", "place"),
    [
        ("<head><link rel=license href=/head></head><a rel=license href=/body>", "/head"),
        ("<body><p><a rel='nofollow License' href=/first>x</a><link rel=license href=/second>", "/first"),
        ("<body><p><link rel=license href=/first><a rel=license href=/second>x</a>", "/first"),
        ("<body><p><link rel=license><a rel=license href=/only>x</a>", "/only"),
    ],
)
def test_the_first_link_to_a_licence_counts(html, place):
    assert license_of(page_of(html))[1] == f"rel=license: https://site.example{place}"


def test_a_picture_s_licence_is_not_the_page_s():
    assert license_of(ld([{"@type": "ImageObject", "license": BY}, {"@type": "VideoObject", "license": BY}])) == (
        None,
        None,
    )


@pytest.mark.parametrize("value", [BY, [BY], {"@id": BY}, {"@type": "CreativeWork", "url": BY}])
def test_schema_org_states_a_licence_in_many_ways(value):
    assert license_of(ld({"@type": "Article", "license": value}))[0] == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("html", "name", "evidence"),
    [
        (f'<a rel="license" href="{BY}">x</a>', "CC-BY-4.0", f"rel=license: {BY}"),
        (f'<link REL="License" HREF="{BY}">', "CC-BY-4.0", f"rel=license: {BY}"),
        (
            '<a rel="license nofollow" href="/terms">x</a>',
            "https://site.example/terms",
            "rel=license: https://site.example/terms",
        ),
        (f'<footer><a href="{BY}">x</a></footer>', "CC-BY-4.0", f"link: {BY}"),
        (f'<main><p><a href="{BY}">x</a></main>', "CC-BY-4.0", f"link: {BY}"),
        (f'<p><a href="{BY}">about licences</a>', None, None),
        ('<footer><a href="https://creativecommons.org/">x</a></footer>', None, None),
        ('<a rel="license" href="http://[">x</a>', None, None),
        ('<a rel="license" href="javascript:1">x</a>', None, None),
        ("<p>All rights reserved. License: none.</p>", None, None),
    ],
)
def test_links_to_licences(html, name, evidence):
    assert license_of(page_of(html)) == (name, evidence)


@pytest.mark.parametrize(
    ("html", "signals"),
    [
        ('<meta name="robots" content="noai, noimageai">', [("robots: noai, noimageai", True)]),
        ('<META NAME="Robots" CONTENT="index,NoAI">', [("robots: noai", True)]),
        ('<meta name="googlebot" content="noml">', [("googlebot: noml", True)]),
        ('<meta name="CCBot" content="noai">', [("ccbot: noai", True)]),
        ('<meta name="tdm-reservation" content="1">', [("tdm-reservation: 1", True)]),
        ('<meta name="tdm-reservation" content="0">', [("tdm-reservation: 0", False)]),
        ('<meta name="tdm-reservation" content="maybe">', [("tdm-reservation: maybe", None)]),
        (
            '<meta name="robots" content="noai"><meta name="robots" content="noml">',
            [("robots: noai", True), ("robots: noml", True)],
        ),
        ('<meta name="robots" content="noindex, nofollow">', []),
        ('<meta name="robots" content="noaindex">', []),
        ('<meta name="description" content="noai">', []),
        ("<p>noai</p>", []),
    ],
)
def test_signals(html, signals):
    assert [(signal.value, signal.optout) for signal in signals_of(page_of(html))] == signals


@given(st.sampled_from(["robots", "tdm-reservation", "googlebot"]), st.text("noaiml,10 \n", max_size=20))
def test_every_signal_is_one_that_the_record_may_carry(name, content):
    for signal in signals_of(page_of(f'<meta name="{name}" content="{content}">')):
        assert signal.place in PLACES


@pytest.mark.parametrize("name", ordinary())
def test_broken_twins_state_no_other_licence(name):
    whole = license_of(saved(name))[0]
    for what, body in broken_twins(saved(name).html).items():
        if what not in {
            "NUL and controls",
            "lone surrogates",
            "invalid UTF-8",
            "attributes without end",
            "broken JSON-LD",
            "wrong charset",
        }:
            assert license_of(page_of(body))[0] in {None, whole}, what
