"""`scrapy runspider <file>`: Scrapy's own, but a file that cannot be imported is exit code 2 and one line."""

from __future__ import annotations

import pytest

from tests.flow import harness


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("broken_syntax.py", "def x(:\n", "SyntaxError: invalid syntax (broken_syntax.py, line 1)"),
        ("broken_name.py", "import scrapy\n\nnowhere\n", "NameError: name 'nowhere' is not defined"),
        ("broken_import.py", "import nowhere_at_all\n", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("spider.txt", "", "Not a Python source file"),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path, name, code, message):
    file = tmp_path / name
    file.write_text(code)
    result = harness.run(tmp_path / "data", "runspider", str(file), "-L", "WARNING")
    assert result.code == 2, result
    assert f"{file} cannot be imported: " in result.err.splitlines()[-1]
    assert message in result.err.splitlines()[-1]
    assert "Traceback" not in result.err


def test_the_place_is_told(tmp_path):
    file = tmp_path / "late.py"
    file.write_text("import scrapy\n\n1 / 0\n")
    result = harness.run(tmp_path / "data", "runspider", str(file), "-L", "WARNING")
    assert f"ZeroDivisionError: division by zero ({file}:3)" in result.err, result


def test_a_setting_that_is_no_number_is_told_in_one_line(tmp_path):
    file = tmp_path / "one.py"
    file.write_text("import scrapy\n\n\nclass One(scrapy.Spider):\n    name = 'one'\n")
    result = harness.run(tmp_path / "data", "runspider", str(file), "-s", "LEDGER_TIMEOUT=abc")
    assert result.code == 2, result
    assert result.err.splitlines()[-1] == "error: LEDGER_TIMEOUT: expected a number of at least 0, got 'abc'"
    assert "Traceback" not in result.err


def test_a_spider_runs(tmp_path, site):
    file = tmp_path / "one.py"
    file.write_text(
        "import scrapy\n\n\nclass One(scrapy.Spider):\n    name = 'one'\n"
        f"    start_urls = ['{site.url('/item/1')}']\n\n"
        "    def parse(self, response):\n        yield {'url': response.url}\n"
    )
    result = harness.run(tmp_path / "data", "runspider", str(file), *harness.settings(**RECORDS))
    assert result.code == 0, result
    assert [record["url"] for record in harness.records(tmp_path / "data", "one")] == [site.url("/item/1")]


RECORDS = {"ITEM_PIPELINES": harness.PLAIN["ITEM_PIPELINES"]}
