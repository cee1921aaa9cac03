"""`scrapy startproject`: Scrapy's own, but wrong use is exit code 2 and one line."""

from __future__ import annotations

import pytest

from tests.flow import harness


@pytest.fixture
def startproject(tmp_path):
    return lambda *args: harness.run(tmp_path / "data", "startproject", *args)


@pytest.mark.parametrize(
    ("name", "message"),
    [("1bad", "Project names must begin with a letter"), ("json", "Module 'json' already exists")],
)
def test_a_bad_name_is_wrong_use(startproject, tmp_path, name, message):
    result = startproject(name, str(tmp_path / "new"))
    assert result.code == 2, result
    assert message in result.err.splitlines()[-1]
    assert repr(name) in result.err.splitlines()[-1]
    assert not (tmp_path / "new").exists()


def test_a_project_is_not_written_over(startproject, tmp_path):
    assert startproject("shop", str(tmp_path / "new")).code == 0
    assert (tmp_path / "new" / "shop" / "settings.py").exists()
    result = startproject("shop", str(tmp_path / "new"))
    assert result.code == 2, result
    assert f"scrapy.cfg already exists in {tmp_path / 'new'}" in result.err.splitlines()[-1]
