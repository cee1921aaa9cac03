"""The index under the pipeline: shingles are what sets of words say, tables find what was put in, recall is as computed."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crawlers.hashing import record_id
from crawlers.items import Record
from crawlers.pipelines.chains import ChainedTable
from crawlers.pipelines.nearduplicates import BANDS, DuplicateIndex, rows_for
from crawlers.pipelines.normal import folded, normal
from crawlers.pipelines.shingles import _MIX, MinHasher, Shingler, jaccard, word_hashes
from tests.pages import WORDS, paragraphs_of

words = st.sampled_from(["the", "The", "über", "naïve", "x1", "a_b", "кот", "שלום", "नमस्ते", "été", "12"])
joints = st.sampled_from([" ", "  ", "\n\n", ", ", " — ", ".", "…", "\t", "'"])


def true_words(text: str) -> list[str]:
    """Words as the module says they are, read without it."""
    return re.findall(
        r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]|(?:(?![\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff])[\w\u0900-\u097f])+",
        normal(text),
    )


def true_similarity(one: str, other: str, size: int) -> float:
    def sets(text: str) -> set:
        w = true_words(text)
        n = min(size, len(w))
        return {tuple(w[i : i + n]) for i in range(len(w) - n + 1)} if w else set()

    a, b = sets(one), sets(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def hashes(text: str, size: int = 5):
    return Shingler(size)(word_hashes(normal(text)))


# --- normal form ----------------------------------------------------------------------------------------------------


@given(st.text(st.sampled_from("aB é\n\t\r\x0b\x1c\u00a0\u2003İß")) | st.text())
def test_the_normal_form_is_lower_case_with_single_spaces(text):
    assert normal(text) == " ".join(text.lower().split())


def test_it_is_computed_once_and_again_for_another_text():
    record = Record("s", "k", text="A  b")
    assert folded(record) == "a b"
    record.cache["folded"] = (record.text, "planted")
    assert folded(record) == "planted"
    record.text = "C"
    assert folded(record) == "c"


# --- shingles -------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(words, joints), max_size=12), st.lists(st.tuples(words, joints), max_size=12), st.integers(1, 4)
)
def test_similarity_of_hashes_is_similarity_of_sets(one, other, size):
    a, b = "".join(w + j for w, j in one), "".join(w + j for w, j in other)
    assert jaccard(hashes(a, size), hashes(b, size)) == pytest.approx(true_similarity(a, b, size))


@given(st.lists(words, min_size=1, max_size=8), joints)
def test_words_have_the_same_hash_wherever_they_stand(given_words, joint):
    text = joint.join(given_words)
    expected = [int(word_hashes(normal(w))[0]) for w in true_words(text)]
    assert word_hashes(normal(text)).tolist() == expected


def test_ascii_words_are_the_same_among_others():
    assert set(word_hashes("the cat").tolist()) < set(word_hashes("the cat größe").tolist())


def test_scripts_without_spaces():
    one = "图书馆坐落在街道的尽头每天晚上窗户都亮着温暖的灯光村里没有人知道是谁点亮了那些灯"
    assert len(word_hashes(one)) == len(one)
    assert jaccard(hashes(one), hashes(one.replace("晚", "早"))) > 0.6
    assert true_similarity(one, one.replace("晚", "早"), 5) == jaccard(hashes(one), hashes(one.replace("晚", "早")))


def test_different_words_have_different_hashes():
    many = [f"{a}{b}" for a in WORDS for b in WORDS]
    assert len(set(word_hashes(" ".join(many)).tolist())) == len(set(many))


def test_long_texts_are_hashed_in_pieces_alike():
    text = " ".join(WORDS * 90)
    assert len(text) > 2 * 65536
    assert word_hashes(text).tolist() == [int(word_hashes(word)[0]) for word in WORDS] * 90
    shingles = Shingler(5)(np.arange(1, 200_001, dtype=np.uint64))
    assert len(shingles) == 200_000 - 4
    assert len(set(shingles.tolist())) == len(shingles)
    repeated = Shingler(3)(np.tile(np.arange(1, 8, dtype=np.uint64), 30_000))
    assert len(set(repeated.tolist())) == 7


@given(*[st.lists(st.sampled_from([0, 2, 8, 2**63, 2**64 - 2, 1000]), max_size=9)] * 2)
def test_jaccard_is_that_of_the_sets(one, other):
    union = {*one, *other}
    expected = len({*one} & {*other}) / len(union) if union else 1.0
    assert jaccard(np.array(one, dtype=np.uint64), np.array(other, dtype=np.uint64)) == expected


@pytest.mark.parametrize(("bands", "rows"), [(BANDS, 4), (BANDS, 3), (BANDS, 2), (BANDS, 1)])
@pytest.mark.parametrize("size", [1, 2, 48, 200, 3000])
def test_a_minimum_is_the_least_of_its_bin_or_of_all_after_a_permutation(size, bands, rows):
    """As the class says it, in plain numbers."""
    rng = random.Random(size)
    shingles = [rng.getrandbits(64) for _ in range(size)]
    hasher = MinHasher(bands, rows)
    bins = bands * rows
    minima = []
    for number, factor in enumerate(hasher._factors.tolist()):
        inside = [shingle for shingle in shingles if (shingle * bins) >> 64 == number]
        minima.append(min(inside or [factor * shingle % 2**64 for shingle in shingles]) * int(_MIX) % 2**64)
    bits = 16 if rows > 2 else 32
    expected = [
        sum((minima[rows * band + i] >> (64 - bits)) << (bits * i) for i in range(rows)) for band in range(bands)
    ]
    repeated = shingles + rng.choices(shingles, k=size)
    assert hasher.keys(np.array(repeated, dtype=np.uint64)).tolist() == expected


def test_one_word_without_end():
    assert len(word_hashes("x" * 200_000)) >= 1


@pytest.mark.parametrize("text", ["", " ", "—!?", "\ud800"])
def test_no_words_no_shingles(text):
    assert hashes(text).size == 0


def test_signatures_are_the_same_in_every_process_and_version():
    """These numbers stand in databases: a change needs a new VERSION."""
    keys = MinHasher(12, 4).keys(hashes("the quick brown fox jumps over the lazy dog été 图书馆"))
    assert [hex(key) for key in keys[:3].tolist()] == FIRST_KEYS


FIRST_KEYS = ["0xa0339d772cef2f2", "0x1f78a2b09373ceb1", "0x28799507e51ac238"]


@pytest.mark.parametrize("size", [30, 150, 400, 3000])
def test_the_sketch_estimates_the_similarity(size):
    rng = random.Random(3)
    hasher = MinHasher(BANDS, 4)
    for share in (0.2, 0.5, 0.8):
        errors = []
        for _ in range(60):
            common = [rng.getrandbits(64) for _ in range(round(size * share))]
            own = [[rng.getrandbits(64) for _ in range((size - len(common)) // 2)] for _ in range(2)]
            one, other = (np.array(common + part, dtype=np.uint64) for part in own)
            estimate = hasher.similarity(hasher.keys(one), hasher.keys(other)[None, :])[0]
            errors.append(estimate - jaccard(one, other))
        assert abs(sum(errors) / len(errors)) < 0.04
        assert max(map(abs, errors)) < 0.3


# --- the table ------------------------------------------------------------------------------------------------------


class Chains(RuleBasedStateMachine):
    """A table under any order of changes, against a plain list."""

    newest, filed = 1021, 1021

    def __init__(self) -> None:
        super().__init__()
        self.table = ChainedTable(3, self.newest, filed=self.filed)
        self.rows: dict[int, tuple[int, ...]] = {}

    keys = st.tuples(*[st.sampled_from([0, 1, 2, 1022, 2**63 + 5, 2**64 - 1])] * 3)

    @rule(keys=keys)
    def add(self, keys):
        row = self.table.add(keys)
        assert row not in self.rows
        self.rows[row] = keys

    @rule(many=st.lists(keys, max_size=5))
    def extend(self, many):
        if many:
            first = self.table._rows
            self.table.extend([np.array(many[:2], dtype=np.uint64), np.array(many[2:], dtype=np.uint64).reshape(-1, 3)])
            self.rows |= {first + i: keys for i, keys in enumerate(many)}

    @rule(data=st.data())
    def remove(self, data):
        if self.rows:
            row = data.draw(st.sampled_from(sorted(self.rows)))
            self.table.remove(row)
            del self.rows[row]

    @invariant()
    def finds_what_is_there(self):
        assert len(self.table) == len(self.rows)
        for column in range(3):
            for key in (1, 2, 1022, 2**63 + 5, 2**64 - 1, 77):
                expected = {row for row, keys in self.rows.items() if keys[column] == key}
                assert set(self.table.find(column, key)) == expected
        if self.rows:
            row, keys = next(iter(self.rows.items()))
            if all(keys):
                found = self.table.find_any(0, keys, 10_000)
                assert set(found) == {
                    r for r, k in self.rows.items() if any(a == b for a, b in zip(k, keys, strict=True))
                }
                assert self.table.lines([row], 1).tolist() == [list(keys[1:])]


TestChains = Chains.TestCase
TestChains.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


class SpilledChains(Chains):
    """The same, with most of the rows in files."""

    newest, filed = 4, 4


TestSpilledChains = SpilledChains.TestCase
TestSpilledChains.settings = TestChains.settings


def test_the_table_grows_and_stays_small():
    rng = random.Random(1)
    table = ChainedTable(14)
    rows = [[rng.getrandbits(64) for _ in range(14)] for _ in range(5000)]
    numbers = [table.add(keys) for keys in rows]
    assert all(table.find(3, keys[3]) == [number] for keys, number in zip(rows, numbers, strict=True))
    assert table.nbytes / len(table) < 320


def test_the_newest_rows_come_first_and_only_so_many():
    table = ChainedTable(2)
    for _ in range(100):
        table.add([5, 6])
    assert table.find_any(0, [5, 7], 3) == [99, 98, 97]


# --- the index ------------------------------------------------------------------------------------------------------


def edited(text: str, rate: float, rng: random.Random) -> str:
    given_words = text.split(" ")
    for _ in range(round(rate * len(given_words))):
        given_words[rng.randrange(len(given_words))] = rng.choice(WORDS)
    return " ".join(given_words)


def test_rows_follow_from_the_threshold():
    for threshold in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        rows = rows_for(threshold)
        assert 1 - (1 - threshold**rows) ** BANDS >= 0.985
    assert rows_for(0.8) == rows_for(1.0) == 4


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_recall_and_precision(threshold):
    rng = random.Random(5)
    texts = {record_id("s", str(i)): "\n\n".join(paragraphs_of(f"/item/{i}")) for i in range(150)}
    index = DuplicateIndex(lambda ids: {i: texts[i] for i in ids}, threshold=threshold)
    for id_, text in texts.items():
        signed = index.sign(text)
        assert index.find(id_, signed) is None
        index.add(id_, signed)
        assert index.stored(id_, "", signed.hash, index.stored_bands(signed))
    true = found = 0
    for number, (id_, text) in enumerate(texts.items()):
        copy = edited(text, 0.002 * (number % 40), rng)
        similarity = true_similarity(text, copy, 5)
        hit = index.find(record_id("copy", str(number)), index.sign(copy))
        true += similarity >= threshold
        if hit is not None:
            assert hit.of == id_
            assert hit.similarity == pytest.approx(similarity)
            assert similarity >= threshold
            assert hit.exact == (normal(copy) == normal(text))
            found += 1
    assert true > 30
    assert found >= 0.97 * true
    assert index.nbytes / len(index) < 1024  # a small table has slots to spare; the benchmark has the figure


def test_pages_from_one_template_are_no_duplicates():
    rng = random.Random(2)
    shared = "\n\n".join(paragraphs_of("/template"))
    texts = {record_id("s", str(i)): f"{' '.join(rng.choices(WORDS, k=200))}\n\n{shared}" for i in range(300)}
    index = DuplicateIndex(lambda ids: {i: texts[i] for i in ids})
    for id_, text in texts.items():
        signed = index.sign(text)
        assert index.find(id_, signed) is None
        index.add(id_, signed)
    copy = next(iter(texts.values())).replace("Mister", "Doctor", 2)
    assert index.find(record_id("c", "c"), index.sign(copy)).of == next(iter(texts))


def test_of_several_the_most_similar_is_named():
    base = "\n\n".join(paragraphs_of("/item/1"))
    rng = random.Random(1)
    index = DuplicateIndex(lambda ids: {}, threshold=0.5)
    for key, rate in (("far", 0.03), ("near", 0.005), ("middle", 0.015)):
        text = edited(base, rate, rng)
        index.add(record_id("s", key), index.sign(text))
    assert index.find(record_id("s", "x"), index.sign(base)).of == record_id("s", "near")


def test_removed_texts_are_forgotten_and_their_places_used_again():
    text = "\n\n".join(paragraphs_of("/item/1"))
    index = DuplicateIndex(lambda ids: {})
    signed = index.sign(text)
    for i in range(5):
        id_ = record_id("s", str(i))
        index.add(id_, signed)
        assert index.find(record_id("s", "x"), signed).of == id_
        index.remove(id_)
        assert index.find(record_id("s", "x"), signed) is None
    assert len(index) == 0
    assert len(index._entries) == 1


def test_loading_many_is_the_same_as_one_by_one():
    texts = ["\n\n".join(paragraphs_of(f"/item/{i}")) if i % 3 else f"short {i}" for i in range(200)]
    rows = []
    one = DuplicateIndex(lambda ids: {i: texts[int(i[:8], 16)] for i in ids})
    for i, text in enumerate(texts):
        signed = one.sign(text)
        id_ = f"{i:08x}{'0' * 24}"
        rows.append((id_, f"source{i % 2}", signed.hash, one.stored_bands(signed)))
        one.stored(*rows[-1])
    many = DuplicateIndex(lambda ids: {i: texts[int(i[:8], 16)] for i in ids})
    assert many.load(rows[:150]) == []
    assert many.load(rows[150:]) == []
    assert many.load([]) == []
    for index in (one, many):
        for i, text in enumerate(texts):
            found = index.find("f" * 32, index.sign(text))
            assert found is not None
            assert (found.of, found.exact) == (rows[i][0], True)
            other = index.find("f" * 32, index.sign(text), "source0")
            assert (other is None) == (i % 2 == 1)


def test_rows_of_other_parameters_are_told():
    index, other = DuplicateIndex(lambda ids: {}), DuplicateIndex(lambda ids: {}, shingle_words=3)
    signed = other.sign("\n\n".join(paragraphs_of("/item/1")))
    row = (record_id("s", "a"), "s", signed.hash, other.stored_bands(signed))
    assert index.load([row]) == [row[0]]
    assert index.stored(*row) is False
    assert index.stored(row[0], "s", signed.hash, b"") is False
    assert len(index) == 0


def test_no_text_that_waits_to_be_stored_is_pushed_out_by_a_long_one():
    index = DuplicateIndex(lambda ids: {})
    texts = {record_id("s", str(i)): "\n\n".join(paragraphs_of(f"/item/{i}")) for i in range(20)}
    for id_, text in texts.items():
        index.add(id_, index.sign(text))
    long = " ".join(f"{number:x}" for number in range(4_500_000))
    index.add(record_id("s", "long"), index.sign(long))
    for id_, text in texts.items():
        assert index.find("f" * 32, index.sign(text)).of == id_
        assert index.find("f" * 32, index.sign(f"{text} more")).of == id_


def test_a_stored_text_is_compared_as_it_was_signed():
    """One word a line: words end where pieces of the hash do, not in the middle of one."""
    text = "\n".join(f"word{number}" for number in range(20_000))
    index = DuplicateIndex(lambda ids: dict.fromkeys(ids, text))
    id_ = record_id("s", "a")
    signed = index.sign(text)
    index.stored(id_, "s", signed.hash, index.stored_bands(signed))
    assert index.find("f" * 32, index.sign(f"{text} more")).similarity > 0.9999


# --- who else is like it ----------------------------------------------------------------------------------------------


def with_one_change(number: int) -> str:
    found = [*WORDS[:100]]
    found[number] = "changed"
    return " ".join(found)


def test_neighbours_are_all_duplicates_the_most_similar_first():
    index = DuplicateIndex(lambda ids: {})
    texts = {
        "near": with_one_change(50),
        "equal": with_one_change(98).upper(),
        "nearer": with_one_change(99),
        "other": " ".join(WORDS[100:200]),
    }
    for name, text in texts.items():
        index.add(record_id("s", name), index.sign(text))
    signed = index.sign(with_one_change(98))
    found = index.neighbours(record_id("s", "own"), signed)
    assert [one.of for one in found] == [record_id("s", name) for name in ("equal", "nearer", "near")]
    assert [one.exact for one in found] == [True, False, False]
    assert found[0] == index.find(record_id("s", "own"), signed)
    assert index.neighbours(record_id("s", "own"), index.sign("short")) == []
    assert record_id("s", "equal") not in {one.of for one in index.neighbours(record_id("s", "equal"), signed)}


def test_a_displaced_text_is_not_taken_in_again_until_it_is_added():
    index = DuplicateIndex(lambda ids: {})
    own, text = record_id("s", "a"), with_one_change(1)
    signed = index.sign(text)
    index.add(own, signed)
    assert index.holds(own, signed)
    assert not index.holds(own, index.sign(with_one_change(2)))
    index.displace(own)
    assert index.stored(own, "s", signed.hash, index.stored_bands(signed))
    assert len(index) == 0
    assert index.find(record_id("s", "b"), signed) is None
    index.add(own, signed)
    assert index.find(record_id("s", "b"), signed) == (own, 1.0, True)
