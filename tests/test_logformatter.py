from __future__ import annotations

import logging

import pytest
from scrapy import Request, Spider
from scrapy.exceptions import DownloadTimeoutError, NotConfigured
from scrapy.http import Response
from scrapy.logformatter import LogFormatter
from scrapy.utils.test import get_crawler
from twisted.python.failure import Failure

from crawlers.logformatter import GristmillLogFormatter
from crawlers.middlewares.outcomes import Failed

SPIDER = Spider(name="shop")


def said(caplog, error: Exception, url: str = "http://shop.example/1") -> str:
    with caplog.at_level(logging.INFO):
        result = GristmillLogFormatter().download_error(Failure(error), Request(url), SPIDER)
    assert result["level"] == logging.DEBUG  # Scrapy's own message, with the traceback
    (message,) = caplog.messages
    return message


def test_a_failed_download_is_one_line_with_the_reason(caplog):
    message = said(caplog, DownloadTimeoutError("took longer than 60 s"))
    assert message == "http://shop.example/1 failed: timeout (DownloadTimeoutError: took longer than 60 s)"


def test_a_failure_of_ours_has_its_own_words(caplog):
    assert said(caplog, Failed("too-large", "got 3 GB")) == "http://shop.example/1 failed: too-large (got 3 GB)"


@pytest.mark.parametrize("evil", ["first\nsecond", "first\r\nsecond", "first\x1b[2Jsecond"])
def test_one_event_is_one_line(caplog, evil):
    message = said(caplog, Failed("odd", evil))
    assert not set(message) & {"\n", "\r", "\x1b"}


def test_passwords_stay_out_of_the_log(caplog):
    assert "canary" not in said(
        caplog, Failed("odd", "http://me:canary@shop.example/"), "http://me:canary@shop.example/1"
    )


@pytest.mark.parametrize(("level", "told"), [("INFO", False), ("DEBUG", True)])
def test_an_answer_is_told_of_where_anybody_would_see_it(caplog, level, told):
    request = Request("http://shop.example/1")
    response = Response("http://shop.example/1", request=request)
    caplog.set_level(level)
    formatter = GristmillLogFormatter()
    for line, own in (
        (formatter.crawled(request, response, None), LogFormatter().crawled(request, response, None)),
        (formatter.scraped({}, response, None), LogFormatter().scraped({}, response, None)),
    ):
        assert line == (own if told else None)


class Off:
    """Cannot work here."""

    @classmethod
    def from_crawler(cls, crawler):
        raise NotConfigured("no keyword list: set KEYWORDS")


def test_a_component_that_is_off_is_no_warning(caplog):
    settings = {"LOG_FORMATTER": GristmillLogFormatter, "EXTENSIONS_BASE": {}, "EXTENSIONS": {Off: 1}}
    with caplog.at_level(logging.INFO):
        get_crawler(settings_dict=settings)
    (said,) = [record for record in caplog.records if record.getMessage().endswith("no keyword list: set KEYWORDS")]
    assert said.levelno == logging.INFO
    assert said.levelname == "INFO"


def test_other_warnings_stay(caplog):
    GristmillLogFormatter.from_crawler(get_crawler())
    logging.getLogger("scrapy.middleware").warning("something else is wrong")
    assert caplog.records[-1].levelno == logging.WARNING
