"""Label Studio: tasks to import, with the labeling configuration that fits them.

A task carries the record's id, so that what comes home finds its record. Text offsets in Label Studio results count
the code points of ``data.text``, as ours do (HumanSignal/label-studio#1559). Pictures that are stored here are named by
``/data/local-files/?d=media/…`` (Label Studio's local storage with DATA_DIR as its document root); those that are not
keep their address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar
from urllib.parse import quote

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

_META = ("source", "key", "type", "language", "authors", "published_at", "version", "content_hash", "group", "flags")

_TEXT_CONFIG = """<View>
  <Header value="$title"/>
  <Text name="text" value="$text" granularity="word"/>
  <Labels name="span" toName="text">
    <Label value="Person"/><Label value="Organisation"/><Label value="Place"/><Label value="Date"/>
  </Labels>
  <Choices name="sentiment" toName="text" choice="single">
    <Choice value="positive"/><Choice value="neutral"/><Choice value="negative"/>
  </Choices>
</View>
"""
_IMAGE_CONFIG = """<View>
  <Header value="$title"/>
  <Image name="image" value="$image" zoom="true"/>
  <RectangleLabels name="box" toName="image"><Label value="Object"/></RectangleLabels>
  <Text name="text" value="$text"/>
</View>
"""


class LabelStudioExporter:
    """``tasks.label-studio.json``, a JSON array of tasks, and ``label-studio.xml`` beside it."""

    name: ClassVar[str] = "label-studio"
    filename: ClassVar[str] = "tasks.label-studio.json"
    schema: ClassVar[str] = "urn:gristmill:schema:task:1"

    def __init__(self) -> None:
        self._with_image = 0
        self._count = 0

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies* as tasks; return how many."""
        file.write(b"[")
        for body in bodies:
            task = task_of(orjson.loads(body))
            self._with_image += "image" in task["data"]
            file.write((b",\n" if self._count else b"\n") + orjson.dumps(task))
            self._count += 1
        file.write(b"\n]\n")
        return self._count

    def companions(self) -> dict[str, bytes]:
        """The labeling configuration: for pictures where every task has one, since an import refuses tasks without."""
        pictures = self._count > 0 and self._with_image == self._count
        return {"label-studio.xml": (_IMAGE_CONFIG if pictures else _TEXT_CONFIG).encode()}


def task_of(record: dict[str, Any]) -> dict[str, Any]:
    """The task for a record, as ``schemas/task.schema.json`` has it."""
    data = {
        "record_id": record["id"],
        "title": record["title"] or "",
        "text": record["text"] or record["title"] or "",
        "url": record["url"] or "",
        "fields": record["fields"],
        "meta": {name: record[name] for name in _META},
    }
    images = [address for media in record["media"] if (address := _image(media))]
    if images:
        data["image"] = images[0]
        data["images"] = images
    return {"data": data, "meta": {"record_id": record["id"], "content_hash": record["content_hash"]}}


def _image(media: dict[str, Any]) -> str | None:
    kind = media.get("media_type") or "image/"
    if not kind.startswith("image/") or media.get("error"):
        return None
    if media.get("path"):
        return f"/data/local-files/?d={quote(media['path'])}"
    return media.get("url")
