"""The numbers of blocks: as many as the model was trained on, finite, and each what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extractors.classifier import model
from crawlers.extractors.features import features
from crawlers.extractors.outline import outline
from tests.webpages import broken_twins, ordinary, page_of, saved


def of(html: str | bytes) -> np.ndarray:
    return features(outline(page_of(html)))


def test_a_page_of_one_block():
    matrix = of("<p>x")
    assert matrix.shape[1] == 1
    assert np.isfinite(matrix).all()


def test_the_model_asks_for_no_number_that_there_is_not():
    assert int(model().features.max()) < len(of("<p>x"))


@pytest.mark.parametrize("name", ordinary())
def test_numbers_are_finite_whatever_the_page(name):
    page = saved(name)
    for body in [page.body, *broken_twins(page.html).values()]:
        found = outline(page_of(body))
        if found.texts:
            matrix = features(found)
            assert matrix.shape == (len(of("<p>x")), len(found.texts))
            assert np.isfinite(matrix).all()


def test_blocks_of_one_page_share_the_page_and_differ_in_the_rest():
    matrix = of("<nav><a href=/>Home</a></nav><h1>A title</h1><p>A paragraph of a few words, and one more.</p>")
    alike = (matrix == matrix[:, :1]).all(axis=1)
    assert alike[-26:].all()
    assert not alike[:12].all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<p>a b c", "<li>x", "<h1>t", "<div>", "</div>", "<a href=/>l</a>", "<td>1", "."]), min_size=1
    )
)
def test_any_page_has_finite_numbers(parts):
    found = outline(page_of("".join(parts)))
    if found.texts:
        assert np.isfinite(features(found)).all()


def test_a_blocks_numbers_do_not_depend_on_classes_that_say_nothing():
    plain, named = of("<div><p>one two</p></div>"), of("<div class=x7><p class=q>one two</p></div>")
    assert (plain == named).all()
