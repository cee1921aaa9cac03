"""Notes: a folder of JSON lines, CSV, HTML and text, as an example of a files source. `scrapy crawl notes [-a folder=…]`."""

from __future__ import annotations

from pathlib import Path

from crawlers.sources.files import FilesSource


class NotesSpider(FilesSource):
    """The notes that come with this package, or those of another folder."""

    name = "notes"
    folder = str(Path(__file__).parent.parent / "demo" / "notes")
