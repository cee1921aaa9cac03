"""Saved pages in, records and requests out: a spider's test without Python. Rewritten by ``--update-golden``.

``tests/golden/<source>/<case>/`` holds ``input.html`` (or another suffix), ``meta.json`` (url, callback, headers, fetched_at, arguments) and
``expected.jsonl``: a record a line, and at the end what is followed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Headers
from scrapy.responsetypes import responsetypes
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from crawlers.items import Record, from_dict, to_dict
from crawlers.schemas import Schemas

ROOT = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent for path in ROOT.glob("*/*/meta.json"))
VOLATILE = ("spider_version", "body_sha256", "run_id")
"""Parts of the provenance that change with the release or with each blank of the input."""
ANY_FIELDS = {"site", "notes", "orders"}
"""Sources whose fields are those of whatever they are pointed at."""
FILLED_LATER = {"demo"}
"""Sources whose fields are found by the pipelines; tests/spiders/test_demo.py holds those to the schema."""


def run(folder: Path) -> list[Any]:
    """What the spider yields for the saved page."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    loader = SpiderLoader(Settings({"SPIDER_MODULES": ["crawlers.spiders"]}))
    spider = loader.load(folder.parent.name)(**meta.get("arguments", {}))
    request = Request(meta["url"], meta={"gristmill_fetched_at": meta["fetched_at"]})
    [file] = folder.glob("input.*")
    body, headers = file.read_bytes(), Headers(meta["headers"])
    cls = responsetypes.from_args(headers=headers, url=meta["url"], body=body)
    response = cls(meta["url"], headers=headers, body=body, request=request)
    return list(getattr(spider, meta["callback"])(response))


def lines(results: list[Any]) -> list[dict[str, Any]]:
    """Records as they are written, then the addresses of the requests."""
    found = []
    for record in results:
        if isinstance(record, Record):
            data = to_dict(record)
            data["provenance"] = {k: v for k, v in data["provenance"].items() if k not in VOLATILE}
            found.append(data)
    return [*found, {"follow": [result.url for result in results if isinstance(result, Request)]}]


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_golden(folder: Path, request: pytest.FixtureRequest) -> None:
    got = lines(run(folder))
    file = folder / "expected.jsonl"
    if request.config.getoption("--update-golden"):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in got)
        file.write_text(text, encoding="utf-8")
    assert got == [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_expected_records_can_be_read_again(folder: Path) -> None:
    for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()[:-1]:
        data = json.loads(line)
        assert to_dict(from_dict(data)) == data


def expected(source: str, case: str) -> list[dict[str, Any]]:
    text = (ROOT / source / case / "expected.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("folder", [c for c in CASES if not c.name.startswith("cut")], ids=lambda path: path.name)
def test_fields_of_whole_pages_fit_the_source_schema(folder: Path) -> None:
    schema = Schemas([ROOT.parents[1] / "schemas"]).load_source(folder.parent.name)
    if schema is None:
        assert folder.parent.name in ANY_FIELDS
        return
    for record in expected(folder.parent.name, folder.name)[:-1]:
        assert folder.parent.name in FILLED_LATER or list(schema.violations(record["fields"])) == []


def test_a_book_whose_page_was_cut_does_not_fit_the_schema() -> None:
    schema = Schemas([ROOT.parents[1] / "schemas"]).load_source("books")
    assert schema is not None
    record = expected("books", "cut-page")[0]
    assert [violation.path for violation in schema.violations(record["fields"])] == ["$.upc"]


def test_every_source_has_golden_pages() -> None:
    known = SpiderLoader(Settings({"SPIDER_MODULES": ["crawlers.spiders"]})).list()
    assert {path.parent.name for path in CASES} == set(known)


def test_every_case_is_told_apart() -> None:
    for folder in CASES:
        assert len(list(folder.glob("input.*"))) == 1
        assert {path.name.partition(".")[0] for path in folder.iterdir()} == {"input", "meta", "expected"}
