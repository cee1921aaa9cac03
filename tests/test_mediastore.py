"""Stored media: once by content, named by it, and never trusted when it is not whole."""

from __future__ import annotations

import pytest

from crawlers.mediastore import MediaStore, StoredFile


def test_a_file_is_named_by_its_content(tmp_path):
    store = MediaStore(tmp_path)
    file = store.store(b"picture", "image/png")
    digest = file.sha256.removeprefix("sha256:")
    assert file.path == f"media/{digest[:2]}/{digest[2:4]}/{digest}.png"
    assert (tmp_path / file.path).read_bytes() == b"picture"
    assert store.store(b"picture", "image/png") == file
    assert len([p for p in (tmp_path / "media").rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize("damage", [b"", b"pic", b"pictures and more", b"picturE"])
def test_a_damaged_file_is_found_and_repaired(tmp_path, damage):
    store = MediaStore(tmp_path)
    file = store.store(b"picture", "image/png")
    assert store.is_whole(file)
    (tmp_path / file.path).write_bytes(damage)
    assert not store.is_whole(file)
    store.store(b"picture", "image/png")
    assert store.is_whole(file)


def test_a_missing_file_is_not_whole(tmp_path):
    assert not MediaStore(tmp_path).is_whole(StoredFile("sha256:00", "media/00/00/00.png", 3))


@pytest.mark.parametrize("media_type", ["text/html", "", "../../etc/passwd", "image/svg+xml"])
def test_an_unknown_type_gets_no_name_of_its_own(tmp_path, media_type):
    file = MediaStore(tmp_path).store(b"x", media_type)
    assert file.path.endswith(".bin")
    assert (tmp_path / file.path).resolve().is_relative_to(tmp_path)
