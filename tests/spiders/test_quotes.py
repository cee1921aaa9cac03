"""What golden pages cannot say of the spider `quotes`: the same quotation elsewhere, and copies of the site."""

from __future__ import annotations

from scrapy.http import HtmlResponse

from crawlers.spiders.quotes import QuotesSpider

QUOTE = """<div class="quote"><span class="text">“{text}”</span><span>by <small class="author">{author}</small></span>
<div class="tags"><a class="tag" href="/tag/a/page/1/">a</a></div></div>"""


def parse(address: str, *quotes: tuple[str, str], more: str = "", **arguments: str) -> tuple[list, list[str]]:
    body = "".join(QUOTE.format(text=text, author=author) for text, author in quotes)
    response = HtmlResponse(address, body=f"<body>{body}{more}</body>".encode(), encoding="utf-8")
    results = list(QuotesSpider(**arguments).parse(response))
    return results[: len(quotes)], [request.url for request in results[len(quotes) :]]


def test_one_quotation_is_one_record_wherever_it_stands():
    [first], _ = parse("https://quotes.toscrape.com/", ("To be.", "W. S."))
    [second], _ = parse("https://quotes.toscrape.com/tag/being/page/1/", ("To be.", "W. S."))
    assert first.id == second.id
    assert first.url != second.url


def test_two_quotations_of_an_author_are_two_records():
    (first, second), _ = parse("https://quotes.toscrape.com/", ("To be.", "W. S."), ("Not to be.", "W. S."))
    assert first.id != second.id
    assert first.key.startswith("W. S.#")


def test_the_quotation_marks_of_the_site_go_and_those_inside_stay():
    [record], _ = parse("https://quotes.toscrape.com/", ("She said “no” twice.", "A"))
    assert record.text == "She said “no” twice."


def test_the_page_s_own_title_is_not_the_quotation_s():
    [record], _ = parse("https://quotes.toscrape.com/", ("To be.", "W. S."))
    assert record.page is None
    assert record.title is None


def test_a_copy_of_the_site_is_followed_on_its_own_host():
    links = (
        '<a href="/page/2/">Next</a><a href="https://quotes.toscrape.com/page/3/">away</a><a href="/login">Login</a>'
    )
    _, followed = parse("http://127.0.0.1:8000/", more=links, url="http://127.0.0.1:8000/")
    assert followed == ["http://127.0.0.1:8000/page/2/"]
    assert QuotesSpider(url="http://127.0.0.1:8000/").first_urls() == ["http://127.0.0.1:8000/"]
