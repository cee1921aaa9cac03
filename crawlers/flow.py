"""What would run for a source, in flow order: each component built as Scrapy builds it, without starting a crawl."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrapy import Spider
from scrapy.exceptions import NotConfigured, UsageError
from scrapy.utils.misc import build_from_crawler, load_object

from crawlers.errors import GristmillError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings
    from scrapy.spiderloader import SpiderLoaderProtocol

ON, OFF, BROKEN = "on", "off", "error"

STEPS = (
    ("DOWNLOADER_MIDDLEWARES", "how sources are asked, from the engine to the network"),
    ("DOWNLOAD_HANDLERS", "who answers which kind of address"),
    ("SPIDER_MIDDLEWARES", "what goes into a spider and what comes out, from the engine to the spider"),
    ("ITEM_PIPELINES", "what happens to records, in this order"),
    ("EXTENSIONS", "who watches the run"),
)
"""Settings that list components, in flow order, with what their components do."""

_KINDS = ("web", "sql", "files")
_SECTION = re.compile(r"^\s*Settings:\s*\n(.*?)(?=\n\s*\n\s*\S|\Z)", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b(?:EXPORTS|FEEDS|JOBDIR|KEYWORDS|SCHEDULER)\b")
_READ = re.compile(r"settings(?:\.get\w*\(|\[)\s*[\"']([A-Z][A-Z0-9_]+)[\"']")
_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY_ID|ACCESS_KEY|DATABASE_URL")


@dataclass(slots=True)
class Component:
    """One component as it would run."""

    name: str
    """Class, or scheme for a download handler."""
    path: str
    """Module it is written in."""
    order: int | None
    state: str
    """on, off or error."""
    why: str = ""
    """For what is off or wrong: the reason, and the setting to change."""
    does: str = ""
    """First line of its docstring."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The settings that it names, with their present values."""


@dataclass(slots=True)
class Known:
    """A source that can be crawled."""

    name: str
    kind: str
    """web, sql or files, as ``genspider -t`` has it; spider for what is built on none of them."""
    does: str
    """First line of its docstring, or of its module's."""


def sources(loader: SpiderLoaderProtocol) -> Iterator[Known]:
    """Every source that *loader* knows, by name."""
    for name in sorted(loader.list()):
        cls = loader.load(name)
        yield Known(name, _kind(cls), _does(cls))


def _kind(cls: type) -> str:
    modules = (base.__module__ for base in cls.__mro__)
    return next((kind for module in modules for kind in _KINDS if module == f"crawlers.sources.{kind}"), "spider")


def prepare(crawler: Crawler, arguments: Mapping[str, str]) -> str | None:
    """Make *crawler* ready to build components, with its spider; return why the spider could not be made, or None.

    A spider that lacks an argument is replaced by a bare one of the same name, so that the rest can be shown.
    """
    problem = None
    try:
        crawler.spider = crawler.spidercls.from_crawler(crawler, **arguments)
    except (GristmillError, UsageError, ValueError, TypeError) as exc:
        problem = str(exc)
        crawler.spider = Spider(name=crawler.spidercls.name)
        crawler.spider._set_crawler(crawler)
    settings = crawler.settings
    crawler.addons.load_settings(settings)
    crawler.stats = load_object(settings["STATS_CLASS"])(crawler)
    crawler.logformatter = build_from_crawler(load_object(settings["LOG_FORMATTER"]), crawler)
    crawler.request_fingerprinter = build_from_crawler(load_object(settings["REQUEST_FINGERPRINTER_CLASS"]), crawler)
    return problem


def components(crawler: Crawler, setting: str) -> Iterator[Component]:
    """The components that *setting* lists, in order; those that are switched off come last."""
    if setting == "DOWNLOAD_HANDLERS":
        yield from _handlers(crawler.settings)
        return
    listed: dict[Any, int | None] = {}
    for part in (f"{setting}_BASE", setting):
        listed.update({_loaded(path): order for path, order in (crawler.settings.get(part) or {}).items()})
    rank = {path: (order is None, order or 0, number) for number, (path, order) in enumerate(listed.items())}
    for path in sorted(listed, key=rank.__getitem__):
        yield _component(crawler, path, listed[path], setting)


def settings_of(cls: type) -> list[str]:
    """Names in the ``Settings:`` section of the docstring of *cls*; without one, those that its source reads."""
    section = _SECTION.search(inspect.getdoc(cls) or "")
    if section is not None:
        return _unique(_NAME.findall(section[1]))
    try:
        return _unique(_READ.findall(inspect.getsource(cls)))
    except (OSError, TypeError):
        return []


def shown(name: str, value: Any) -> str:
    """*value* of the setting *name* for a person: short, and without secrets."""
    if value and _SECRET.search(name):
        return "(set)"
    if value in (None, "", [], {}, ()):
        return "(empty)"
    if not isinstance(value, str | int | float | list | tuple | dict):
        return f"({type(value).__name__})"
    text = value if isinstance(value, str) else repr(value)
    if "." in text and re.fullmatch(r"[A-Za-z_][\w.]*", text):
        text = text.rpartition(".")[2]
    return text if len(text) <= 60 else text[:57] + "..."


def _loaded(path: Any) -> Any:
    """The class that *path* names, so that two paths to one class are one; the path itself where there is none."""
    try:
        return load_object(path)
    except Exception:  # a module may raise anything on import; _component says so
        return path


def _component(crawler: Crawler, path: Any, order: int | None, setting: str) -> Component:
    try:
        cls = load_object(path)
    except Exception as exc:
        return Component(str(path), "", order, BROKEN, f"{setting} names what cannot be imported: {exc}")
    settings = {name: crawler.settings.get(name) for name in settings_of(cls) if not name.startswith("GRISTMILL_")}
    does = _does(cls)
    found = Component(cls.__name__, cls.__module__, order, ON, "", does, settings)
    if order is None:
        found.state, found.why = OFF, f"set to None in {setting}"
        return found
    try:
        build_from_crawler(cls, crawler)
    except NotConfigured as exc:
        found.state, found.why = OFF, str(exc) or _guess(settings)
    except Exception as exc:  # whatever it is, a person should see it here and not at the start of a crawl
        found.state, found.why = BROKEN, str(exc) or type(exc).__name__
    return found


def _guess(settings: dict[str, Any]) -> str:
    """Why a component that does not say so is off: the settings it reads that are not set."""
    switches = [name for name, value in settings.items() if not value and name.endswith("_ENABLED")]
    unset = switches or [name for name, value in settings.items() if not value]
    if not unset:
        return "not needed here"
    return "not set: " + ", ".join(unset)


def _handlers(settings: BaseSettings) -> Iterator[Component]:
    handlers = {**settings.getdict("DOWNLOAD_HANDLERS_BASE"), **settings.getdict("DOWNLOAD_HANDLERS")}
    for scheme, path in sorted(handlers.items(), key=lambda pair: (pair[1] is None, pair[0])):
        if path is None:
            yield Component(f"{scheme}:", "", None, OFF, "set to None in DOWNLOAD_HANDLERS")
            continue
        try:
            cls = load_object(path)
        except Exception as exc:  # an optional package of Scrapy's that is not installed, or a wrong path
            yield Component(f"{scheme}:", str(path), None, BROKEN, str(exc))
            continue
        names = settings_of(cls) if not cls.__module__.startswith("scrapy.") else []
        values = {name: settings.get(name) for name in names}
        yield Component(f"{scheme}:", cls.__module__, None, ON, "", _does(cls), values)


def _does(cls: type) -> str:
    """First sentence of the docstring of *cls*, or of its module, without markup."""
    text = cls.__doc__ or inspect.getdoc(inspect.getmodule(cls)) or ""
    line = " ".join(text.strip().partition("\n\n")[0].split()).replace("``", "")
    return re.sub(r":\w+:`([^`]*)`", r"\1", re.split(r"(?<=\w\.)\s", line)[0].removesuffix(":"))


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))
