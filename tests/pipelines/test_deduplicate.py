"""One record of each text is kept: within a run, across runs and sources, and whatever is still under way."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from crawlers import settings as defaults
from crawlers.errors import ConfigurationError, Rejected
from crawlers.hashing import record_id
from crawlers.items import Media, Record
from crawlers.ledger import signatures
from crawlers.ledger.database import open_database
from crawlers.ledger.settlement import Signature
from crawlers.ledger.tables import records
from crawlers.pipelines.deduplicate import DeduplicatePipeline
from crawlers.pipelines.nearduplicates import DuplicateIndex
from crawlers.pipelines.signaturereader import SignatureReader
from tests.pages import paragraphs_of

LONG = "\n\n".join(paragraphs_of("/item/1"))
OTHER = "\n\n".join(paragraphs_of("/item/2"))
NEAR = LONG.replace(LONG.split()[60], "changed", 1)


def record(key: str, text: str | None = LONG, source: str = "s", **values) -> Record:
    return Record(source, key, text=text, **values)


def pipeline(**options) -> DeduplicatePipeline:
    return DeduplicatePipeline(DuplicateIndex(lambda ids: {}), **options)


def passes(stage: DeduplicatePipeline, item: Record, kept: bool | None = True) -> bool:
    """Whether *item* passes; its fate is told at once unless *kept* is None."""
    try:
        assert stage.process_item(item) is item
    except Rejected:
        stage.settled(item, False)
        return False
    if kept is not None:
        stage.settled(item, kept)
    return True


# --- what is a duplicate --------------------------------------------------------------------------------------------


def test_an_equal_text_is_rejected_and_the_kept_one_named():
    stage = pipeline()
    assert passes(stage, record("a"))
    with pytest.raises(Rejected) as caught:
        stage.process_item(record("b", "  " + LONG.upper().replace(" ", "\n ") + " "))
    refused = caught.value
    assert (refused.stage, refused.reason, refused.value, refused.threshold) == (
        "deduplicate",
        "exact-duplicate",
        1.0,
        0.8,
    )
    assert refused.duplicate_of == record_id("s", "a")


def test_a_near_copy_is_rejected_with_its_similarity():
    stage = pipeline()
    assert passes(stage, record("a"))
    with pytest.raises(Rejected, match="nearly the text of") as caught:
        stage.process_item(record("b", NEAR))
    assert caught.value.reason == "near-duplicate"
    assert 0.8 <= caught.value.value < 1.0
    assert caught.value.duplicate_of == record_id("s", "a")


def test_other_texts_pass():
    stage = pipeline()
    assert passes(stage, record("a"))
    assert passes(stage, record("b", OTHER))


def test_records_without_text_are_told_apart_by_what_they_have():
    stage = pipeline()
    assert passes(stage, record("1", None, title="Red shirt", fields={"price": 3}))
    assert passes(stage, record("2", None, title="Blue shirt", fields={"price": 3}))
    assert passes(stage, record("3", None, title="Red shirt", fields={"price": 4}))
    assert passes(stage, record("4", None, title="Red shirt", fields={"price": 3}, media=[Media(url="http://a/1.jpg")]))
    assert passes(stage, record("5", "", title="Blue  SHIRT", fields={"price": 4}))
    assert not passes(stage, record("6", "", title="red  shirt", fields={"price": 3}))
    assert passes(stage, record("7", None))
    assert not passes(stage, record("8", None))


def test_short_texts_need_the_same_title_and_fields():
    stage = pipeline()
    assert passes(stage, record("1", "In stock.", title="Lamp"))
    assert passes(stage, record("2", "In stock.", title="Chair"))
    assert not passes(stage, record("3", "IN  stock.", title="lamp"))
    assert passes(stage, record("4", "In stock", title="lamp"))


def test_its_own_earlier_version_is_no_duplicate():
    stage = pipeline()
    assert passes(stage, record("a"))
    assert passes(stage, record("a"))
    assert passes(stage, record("a", NEAR))
    assert not passes(stage, record("b", NEAR))
    assert not passes(stage, record("c", LONG))  # near the new version
    assert passes(stage, record("a", OTHER))
    assert passes(stage, record("d", LONG))  # nobody has it any more


def test_scope():
    assert not [passes(s := pipeline(), record("a")), passes(s, record("b", source="t"))][1]
    within = pipeline(scope="source")
    assert passes(within, record("a"))
    assert passes(within, record("b", source="t"))
    assert passes(within, record("c", NEAR, source="u"))
    assert not passes(within, record("d", source="t"))
    assert not passes(within, record("e", NEAR, source="t"))


def test_a_kept_record_carries_its_signature_to_the_store():
    stage, item = pipeline(), record("a")
    stage.process_item(item)
    signature = item.cache["signature"]
    assert signature.record_id == item.id
    assert len(signature.text_hash) == 16
    assert len(signature.bands) == 8 + 8 * 12
    short = record("b", "Hello")
    stage.process_item(short)
    assert len(short.cache["signature"].bands) == 8


# --- what is under way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_waits_for_the_fate_of_what_it_copies(kept):
    async def scene() -> list[str]:
        stage, told = pipeline(), []
        first, second = record("a"), record("b", NEAR)
        stage.process_item(first)
        waiting = asyncio.ensure_future(stage.process_item(second))
        waiting.add_done_callback(lambda _: told.append("second"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        told.append("first")
        stage.settled(first, kept)
        if kept:
            with pytest.raises(Rejected, match="near-duplicate"):
                await waiting
            stage.settled(second, False)
        else:
            assert await waiting is second
            assert "signature" in second.cache
            stage.settled(second, True)
            assert not passes(stage, record("c"))
        return told

    assert asyncio.run(scene()) == ["first", "second"]


def test_of_many_copies_exactly_one_is_kept_whatever_happens_to_the_first_ones():
    async def one(stage: DeduplicatePipeline, item: Record, fate: bool) -> str:
        try:
            result = stage.process_item(item)
            if asyncio.iscoroutine(result):
                await result
        except Rejected as exc:
            stage.settled(item, False)
            return exc.reason
        await asyncio.sleep(0.001)  # later stages
        stage.settled(item, fate)
        return "kept" if fate else "refused later"

    async def scene() -> list[str]:
        stage = pipeline()
        items = [record(str(i), LONG if i % 2 else NEAR) for i in range(12)]
        return await asyncio.gather(*(one(stage, item, fate=i >= 3) for i, item in enumerate(items)))

    outcomes = asyncio.run(scene())
    assert outcomes.count("kept") == 1
    assert outcomes.count("refused later") == 3
    assert outcomes.count("exact-duplicate") + outcomes.count("near-duplicate") == 8


def test_a_rejected_record_leaves_no_trace():
    stage = pipeline()
    assert passes(stage, record("a"), kept=False)
    assert passes(stage, record("b"))
    assert not passes(stage, record("a"))


# --- the ledger -----------------------------------------------------------------------------------------------------


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


def store(url: str, *items: Record) -> None:
    """Write records and their signatures as a commit does."""
    from crawlers.ledger.bodies import body_of

    database = open_database(url)
    with database.write() as conn:
        for item in items:
            body = body_of(item)
            conn.execute(records.delete().where(records.c.id == item.id))
            conn.execute(
                records.insert().values(
                    id=item.id, source=item.source, key=item.key, version=1, content_hash=item.seal(), state="kept",
                    envelope_hash=body.envelope_hash, type=item.type, modality=item.modality, body=body.text,
                    first_run="r", changed_run="r", seen_run="r", created_at="t", changed_at="t",
                )
            )  # fmt: skip
        signatures.put(conn, [item.cache["signature"] for item in items], {item.id: item.source for item in items})
    database.close()


def opened(url: str, *, source: str | None = None, **options) -> DeduplicatePipeline:
    reader = SignatureReader(url, source=source, refresh=0.0)
    stage = DeduplicatePipeline(DuplicateIndex(reader.texts, **options), ledger=reader)
    stage.open_spider()
    return stage


def test_across_runs(url):
    first = opened(url)
    kept = record("a")
    short = record("s", "Hello", title="A")
    assert passes(first, kept)
    assert passes(first, short)
    store(url, kept, short)
    first.close_spider()
    second = opened(url)
    assert not passes(second, record("b", LONG, source="t"))
    assert not passes(second, record("c", NEAR))
    assert not passes(second, record("d", "hello", title="a"))
    assert passes(second, record("e", OTHER))
    assert passes(second, record("a", NEAR))
    second.close_spider()


def test_what_another_worker_keeps_is_found(url):
    one, two = opened(url), opened(url)
    kept = record("a")
    assert passes(one, kept)
    assert len(two._index) == 0
    store(url, kept)
    assert not passes(two, record("b", NEAR))
    assert not passes(one, record("b", NEAR))
    one.close_spider()
    two.close_spider()


def test_texts_are_read_from_the_ledger_inside_and_outside_of_a_loop(url):
    stage = opened(url)
    kept = record("a")
    assert passes(stage, kept)
    store(url, kept)
    stage._ledger.refresh(stage._index)
    assert len(stage._index._recent) == 0

    async def scene() -> None:
        assert not passes(stage, record("b", NEAR))
        assert not passes(stage, record("c", LONG))
        await asyncio.sleep(0.3)  # the view of the database is let go by itself
        assert stage._ledger._view is None

    asyncio.run(scene())
    assert not passes(stage, record("d", NEAR))
    stage.close_spider()


def test_a_signature_whose_record_is_gone_counts_no_more(url):
    stage = opened(url)
    kept = record("a")
    assert passes(stage, kept)
    store(url, kept)
    stage.close_spider()
    database = open_database(url)
    with database.write() as conn:
        conn.execute(records.delete())
    database.close()
    again = opened(url)
    assert passes(again, record("b", NEAR))
    assert passes(again, record("c", OTHER))
    again.close_spider()


def test_other_parameters_sign_the_index_anew_and_write_it_back(url, caplog):
    stage = opened(url)
    kept, short = record("a"), record("s", "Hello there", title="T")
    assert passes(stage, kept)
    assert passes(stage, short)
    store(url, kept, short)
    stage.close_spider()
    changed = opened(url, shingle_words=3, min_words=2)
    assert not passes(changed, record("b", NEAR))
    assert not passes(changed, record("c", "hello THERE", title="another"))
    changed.close_spider()
    database = open_database(url)
    with database.read() as conn:
        rows = list(signatures.since(conn))
    database.close()
    assert {row[1] for row in rows} == {kept.id, short.id}
    assert all(bands[:8] == changed._index._header for *_, bands in rows)
    caplog.clear()
    again = opened(url, shingle_words=3, min_words=2)
    assert "anew" not in caplog.text
    again.close_spider()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_workers_sign_the_index_anew_at_once(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path}/ledger.db" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    stage = opened(url)
    items = [record(f"k{number}", f"{number} {OTHER}", title=str(number)) for number in range(40)]
    for item in items:
        signed = stage._index.sign(item.text)
        item.cache["signature"] = Signature(item.id, signed.hash, stage._index.stored_bands(signed))
    store(url, *items)
    stage.close_spider()
    for words in (3, 4, 6):
        ready = threading.Barrier(3)

        def sign(words: int = words, ready: threading.Barrier = ready) -> None:
            ready.wait()
            opened(url, shingle_words=words).close_spider()

        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(sign) for _ in range(3)]:
                done.result()
    database = open_database(url)
    with database.read() as conn:
        assert sorted(row[1] for row in signatures.since(conn)) == sorted(item.id for item in items)
    database.close()


def test_only_the_own_source_is_read_where_only_it_counts(url):
    stage = opened(url)
    items = [record("a"), record("b", OTHER, source="t")]
    assert all(passes(stage, item) for item in items)
    store(url, *items)
    stage.close_spider()
    within = opened(url, source="t")
    assert len(within._index) == 1
    within.close_spider()


# --- settings -------------------------------------------------------------------------------------------------------


def crawler(tmp_path, **values):
    given = {name: getattr(defaults, name) for name in dir(defaults) if name.startswith("DEDUP_")}
    return get_crawler(settings_dict={**given, "DATA_DIR": str(tmp_path), "LEDGER_TIMEOUT": 5, **values})


def test_from_settings(tmp_path):
    made = crawler(tmp_path, DEDUP_THRESHOLD="0.7", DEDUP_SCOPE="source", DEDUP_MIN_WORDS="5")
    stage = DeduplicatePipeline.from_crawler(made)
    assert not list(tmp_path.iterdir()), "nothing is written before the spider opens"
    stage.open_spider()
    assert (stage._index.threshold, stage._index.min_words, stage._scope) == (0.7, 5, "source")
    assert passes(stage, record("a"))
    stage.close_spider()
    stats = made.stats.get_stats()
    assert stats["gristmill/dedup/index_size"] == 1
    assert stats["gristmill/dedup/index_bytes"] > 0


def test_off(tmp_path):
    with pytest.raises(NotConfigured, match="DEDUP_ENABLED"):
        DeduplicatePipeline.from_crawler(crawler(tmp_path, DEDUP_ENABLED=False))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEDUP_THRESHOLD", "0", "from 0.3 to 1"),
        ("DEDUP_THRESHOLD", "80", "from 0.3 to 1"),
        ("DEDUP_THRESHOLD", "much", "got 'much'"),
        ("DEDUP_SHINGLE_WORDS", "0", "from 1 to 50"),
        ("DEDUP_MIN_WORDS", "-1", "from 1 to"),
        ("DEDUP_SCOPE", "world", "'all' or 'source'"),
    ],
)
def test_wrong_settings_stop_before_the_first_request(tmp_path, name, value, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        DeduplicatePipeline.from_crawler(crawler(tmp_path, **{name: value}))
    assert name in str(caught.value)


def test_defaults_of_settings_and_index_agree():
    settings = Settings()
    settings.setmodule("crawlers.settings")
    index = DuplicateIndex(lambda ids: {})
    assert settings.getfloat("DEDUP_THRESHOLD") == index.threshold
    assert settings.getint("DEDUP_SHINGLE_WORDS") == index._shingler.words
    assert settings.getint("DEDUP_MIN_WORDS") == index.min_words
