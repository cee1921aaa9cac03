"""No extractor takes long for a page whose elements stand in a hundred thousand others, which the parser takes no time for."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAR = b"<span>" * 101
WORDS = b"some words here. " * 300_000
UNSEEN = b"</body><!--x-->" + b"<span>" * 90_000

PAGES = {
    "posts far from each other": (b"<span class=comment>" + FAR) * 95 + WORDS,
    "properties far from each other": (b"<span itemscope><span itemprop=a>" + FAR) * 300 + WORDS,
    "pictures in one": b"<picture>" + b"<img src=/a.png>" * 30_000 + b"<source srcset=x>" * 3000,
    "links": UNSEEN + b"<a href=/x>w</a>" * 50_000,
    "licences": UNSEEN + b"<a href=//creativecommons.org/licenses/by/4.0>w</a>" * 50_000,
    "breadcrumbs": b"<i class=breadcrumb>x</i>" + UNSEEN + b"<a href=x>w</a>" * 50_000,
    "pictures in a menu": b"<nav>" + b"<span>" * 90_000 + b"<img src=x>" * 100_000,
    "hidden words": b"<span><span style='display:none'>words of it" * 60_000,
    "code": b"<span>" * 50_000 + b"<pre><i>x</pre>" * 50_000,
    "drawings": b"<svg>" + b"<g><a href=/x>w" * 66_000,
}
EXTRACT = """
import pathlib, resource, sys
from crawlers.extractors import hidden, references, rights, structured, threads
from crawlers.extractors.kinds import is_list
from crawlers.extractors.links import links
from crawlers.extractors.metadata import metadata
from crawlers.extractors.page import Page
from crawlers.extractors.text import extract_text
page = Page(pathlib.Path(sys.argv[1]).read_bytes(), "https://site.example/", {"content-type": ["text/html"]})
mapped = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_CPU, (12, 12))
resource.setrlimit(resource.RLIMIT_AS, (mapped + (1 << 30), mapped + (1 << 30)))
is_list(page), links(page), metadata(page), extract_text(page, "auto"), hidden.flags_of(page), rights.license_of(page)
references.media(page, 20), structured.microdata(page), threads.posts(page)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is limited")
@pytest.mark.parametrize("name", PAGES)
def test_no_extractor_takes_long_for_a_deep_page(name, tmp_path):
    """In a process with limits of several times what is needed; each of these took a minute or 4 GB before."""
    (tmp_path / "page").write_bytes(PAGES[name])
    command = [sys.executable, "-c", EXTRACT, str(tmp_path / "page")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
