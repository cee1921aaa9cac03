"""Posts of a thread: in order, without what they quote, and no page is read more than a few times."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.threads import posts
from tests.webpages import broken_twins, page_of, saved


def test_posts_of_elements_with_their_quotes_apart():
    assert posts(saved("thread")) == [
        {
            "author": "maria",
            "published_at": "2026-01-05T10:00:00Z",
            "text": "My kettle whistles long before the water boils. What can I do about it?",
        },
        {
            "author": "jon",
            "published_at": "2026-01-05T11:30:00Z",
            "text": "Clean the valve, then try again.",
            "quotes": ["My kettle whistles long before the water boils."],
        },
        {
            "author": "maria",
            "text": "That did it, thank you!",
            "quotes": ["Clean the valve, then try again. Before that it boiled."],
        },
    ]


def test_a_question_and_its_answers_in_json_ld():
    data = {
        "@type": "QAPage",
        "mainEntity": {
            "@type": "Question",
            "text": "Why?",
            "author": {"name": "maria"},
            "datePublished": "2026-01-05",
            "acceptedAnswer": {"@type": "Answer", "text": "Because.", "author": "jon"},
            "suggestedAnswer": [{"@type": "Answer", "text": "Who knows?"}, "not an answer", {"text": ""}],
        },
    }
    found = posts(page_of(f'<script type="application/ld+json">{json.dumps(data)}</script>'))
    assert [post["text"] for post in found] == ["Why?", "Because.", "Who knows?"]
    assert found[0]["author"] == "maria"
    assert found[0]["published_at"].startswith("2026-01-05")


def test_posts_of_microdata():
    html = """<div itemscope itemtype="https://schema.org/DiscussionForumPosting"><p itemprop="text">First.</p>
    <div itemprop="comment" itemscope itemtype="https://schema.org/Comment"><p itemprop="text">Second.</p></div>
    <div itemprop="comment" itemscope itemtype="https://schema.org/Comment"><p itemprop="text">Third.</p></div></div>"""
    assert [post["text"] for post in posts(page_of(html))] == ["First.", "Second.", "Third."]


def test_an_element_that_fits_several_selectors_is_one_post():
    html = '<div class="post comment" id="post-1"><div class="content">Only once.</div></div>'
    assert posts(page_of(html)) == [{"text": "Only once."}]


def test_a_post_that_only_quotes_is_none():
    assert posts(page_of('<div class="post"><blockquote>Old words.</blockquote></div>')) == []


def test_words_that_are_quoted_and_said_again_are_kept_once():
    html = '<div class="post"><div class="content"><blockquote>Yes.</blockquote>Yes. I think so too.</div></div>'
    assert posts(page_of(html)) == [{"text": "Yes. I think so too.", "quotes": ["Yes."]}]


def test_a_page_without_posts_has_none():
    assert posts(page_of("<p>Just words.</p>")) == []


def test_a_thread_has_no_more_than_five_hundred_posts():
    assert len(posts(page_of('<div class="post">Words.</div>' * 700))) == 500


def test_posts_in_posts_are_read_to_a_bound():
    words = "word " * 200
    found = posts(page_of('<div class="post">x ' * 300 + words))
    assert 1 <= len(found) <= 8


@given(st.lists(st.text("ab <>&", min_size=1, max_size=10), min_size=1, max_size=6))
def test_each_post_is_given_once_in_order(texts):
    quoted = [text.replace("&", "&amp;").replace("<", "&lt;") for text in texts]
    found = posts(page_of("".join(f'<li class="post"><div class="content">{text}</div></li>' for text in quoted)))
    assert [post["text"] for post in found] == [" ".join(text.split()) for text in texts if text.strip()]


@pytest.mark.parametrize("what", sorted(broken_twins(saved("thread").html)))
def test_broken_twins_have_posts_with_text(what):
    assert all(post["text"].strip() for post in posts(page_of(broken_twins(saved("thread").html)[what])))
