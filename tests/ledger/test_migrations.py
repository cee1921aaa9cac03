from __future__ import annotations

import threading

import pytest
from sqlalchemy import inspect, text

from crawlers.errors import LedgerTooNew
from crawlers.ledger import migrations, tables
from crawlers.ledger.database import open_database
from tests.ledger_pages import Ledger, record


def add_stars(conn) -> None:
    conn.execute(text("ALTER TABLE records ADD COLUMN stars INTEGER"))
    conn.execute(text("UPDATE records SET stars = 5"))


def rename_stars(conn) -> None:
    conn.execute(text("ALTER TABLE records RENAME COLUMN stars TO rating"))


STEPS = {migrations.CURRENT + 1: add_stars, migrations.CURRENT + 2: rename_stars}
NEWEST = migrations.CURRENT + 2


def test_an_empty_database_gets_every_table(database):
    with database.read() as conn:
        assert set(tables.metadata.tables) <= set(inspect(conn).get_table_names())
        assert migrations.version_of(conn) == migrations.CURRENT
        assert migrations.is_current(conn, "here")


def test_every_version_above_the_first_has_a_step():
    assert sorted(migrations.STEPS) == list(range(2, migrations.CURRENT + 1))


def test_an_older_ledger_is_brought_forward_step_by_step(ledger):
    ledger.page(1, record("a"))
    applied = ledger.database.run(migrations.migrate, "here", NEWEST, STEPS)
    assert applied == [migrations.CURRENT + 1, NEWEST]
    with ledger.database.read() as conn:
        assert conn.execute(text("SELECT rating FROM records")).scalar() == 5
        assert migrations.version_of(conn) == NEWEST
    assert [row["version"] for row in ledger.rows("schema_versions")] == [migrations.CURRENT, *STEPS]
    assert ledger.database.run(migrations.migrate, "here", NEWEST, STEPS) == []


def as_first_drawn(conn) -> None:
    for table, column in (("records", "version_run"), ("records", "asked_by"), ("rejections", "asked_by")):
        conn.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    tables.last_commits.drop(conn)
    conn.execute(text("UPDATE schema_versions SET version = 1"))


def draw_first(ledger) -> None:
    with ledger.database.write() as conn:
        as_first_drawn(conn)


def columns(conn) -> dict[str, set[tuple[str, str, bool]]]:
    """Table to name, type and nullability of its columns."""
    looked = inspect(conn)
    return {
        name: {(c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(name)}
        for name in tables.metadata.tables
    }


def test_a_ledger_of_the_first_version_becomes_as_a_new_one(ledger):
    """Every step taken back and taken again: the tables are those that are drawn, and hold what they held."""
    ledger.page(1, record("a"))
    with ledger.database.read() as conn:
        drawn = columns(conn)
    before = ledger.row("records")
    draw_first(ledger)
    assert ledger.database.run(migrations.migrate, "here") == [2, 3, 4]
    with ledger.database.read() as conn:
        assert columns(conn) == drawn
    assert ledger.row("records") == before
    ledger.next_round()
    assert ledger.page(1, record("a")).unchanged == 1


def test_what_refine_has_touched_belongs_to_the_crawl_that_asked_for_its_page(ledger):
    ledger.page(1, record("a"))
    asked_by = ledger.crawl.id
    ledger.refine()
    ledger.page(1, record("a"))
    assert ledger.row("records")["crawl_id"] != asked_by
    draw_first(ledger)
    ledger.database.run(migrations.migrate, "here")
    assert ledger.row("records")["asked_by"] == asked_by


def test_a_migration_that_fails_has_not_happened(ledger):
    def broken(conn):
        add_stars(conn)
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        ledger.database.run(migrations.migrate, "here", migrations.CURRENT + 1, {migrations.CURRENT + 1: broken})
    with ledger.database.read() as conn:
        assert migrations.version_of(conn) == migrations.CURRENT
        assert "stars" not in {column["name"] for column in inspect(conn).get_columns("records")}
    assert ledger.page(1, record("a")).new == 1


def test_a_newer_ledger_is_refused(ledger):
    ledger.database.run(migrations.migrate, "here", NEWEST, STEPS)
    with pytest.raises(LedgerTooNew, match=rf"version {migrations.CURRENT} or older at here, got version {NEWEST}"):
        ledger.database.run(migrations.migrate, "here")


def test_processes_that_start_at_once_create_the_tables_once(url):
    errors: list[BaseException] = []
    ready = threading.Barrier(4)

    def start() -> None:
        try:
            ready.wait()
            open_database(url).close()
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    ledger = Ledger(open_database(url))
    assert len(ledger.rows("schema_versions")) == 1
    ledger.database.close()
