"""At the end of every run the exports are there, whole, whatever the way it ended."""

from __future__ import annotations

import json

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from crawlers.errors import ConfigurationError
from crawlers.exporters.materialise import is_whole, manifest_path
from crawlers.extensions.exports import ExportsExtension
from tests.flow import harness
from tests.flow.test_crash import crawl_args
from tests.server import Site


@pytest.fixture(scope="module")
def site():
    with Site(pages=20) as site:
        yield site


def crawl(data, site, *args, **settings):
    return harness.run(data, *crawl_args(site), *harness.settings(**settings), *args)


def last_report(data):
    path = max((data / "pages" / "runs").glob("*.json"))
    return json.loads(path.read_text())


def test_both_default_formats_are_written_with_manifests(tmp_path, site):
    result = crawl(tmp_path, site)
    assert result.code == 0, result
    folder = tmp_path / "pages"
    tasks = json.loads((folder / "tasks.label-studio.json").read_text())
    assert [t["data"]["record_id"] for t in tasks] == [r["id"] for r in harness.records(tmp_path, "pages")]
    assert (folder / "label-studio.xml").exists()
    for name in ("records.jsonl", "tasks.label-studio.json"):
        assert is_whole(folder / name)
        manifest = json.loads(manifest_path(folder / name).read_text())
        assert manifest["records"] == len(tasks) > 0
        assert manifest["run_id"] == last_report(tmp_path)["run_id"]
        assert len(manifest["settings_digest"]) == 71


def test_formats_are_a_setting(tmp_path, site):
    assert crawl(tmp_path, site, EXPORTS="csv, parquet").code == 0
    names = {path.name for path in (tmp_path / "pages").iterdir() if path.is_file()}
    assert names == {
        "records.csv", "records.csv.manifest.json", "records.parquet", "records.parquet.manifest.json",
    }  # fmt: skip


def test_no_format_no_file(tmp_path, site):
    assert crawl(tmp_path, site, EXPORTS="").code == 0
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["runs"]


def test_what_an_unfinished_crawl_has_is_exported_whole(tmp_path, site):
    result = crawl(tmp_path, site, CLOSESPIDER_PAGECOUNT="5")
    assert result.code == 3, result
    found = harness.records(tmp_path, "pages")
    assert 0 < len(found) < 20
    assert is_whole(tmp_path / "pages" / "records.jsonl")
    assert crawl(tmp_path, site).code == 0
    later = harness.records(tmp_path, "pages")
    assert len(later) > len(found)
    assert {r["id"] for r in found} <= {r["id"] for r in later}


def test_an_export_that_cannot_be_written_fails_the_run_and_not_the_other_exports(tmp_path, site):
    (tmp_path / "pages" / "records.jsonl").mkdir(parents=True)
    (tmp_path / "pages" / "records.jsonl" / "something").write_text("in the way")
    result = crawl(tmp_path, site)
    assert result.code == 1, result
    assert f"cannot write {tmp_path / 'pages' / 'records.jsonl'}" in result.err
    assert "Traceback" not in result.err
    assert is_whole(tmp_path / "pages" / "tasks.label-studio.json")
    assert "export" in json.dumps(last_report(tmp_path)["outcome"]).lower()
    assert set(harness.states(tmp_path)) == {"done"}


def test_an_unknown_format_stops_before_the_first_request(tmp_path, site):
    site.log.clear()
    result = crawl(tmp_path, site, EXPORTS="jsonl,docx")
    assert result.code == 2, result
    assert "unknown export format 'docx': expected one of csv, jsonl, label-studio, parquet" in result.err
    assert site.log == []


def test_it_is_built_from_settings():
    with pytest.raises(NotConfigured, match="EXPORTS is empty"):
        ExportsExtension.from_crawler(get_crawler(settings_dict={"EXPORTS": ""}))
    with pytest.raises(ConfigurationError, match="docx"):
        ExportsExtension.from_crawler(get_crawler(settings_dict={"EXPORTS": ["docx"]}))
