"""Orders: rows of a table, as an example of a SQL source. `scrapy crawl orders [-a database=…]`."""

from __future__ import annotations

from crawlers.configuration import data_folder
from crawlers.demo import orders
from crawlers.sources.sql import SqlSource


class OrdersSpider(SqlSource):
    """The table ``orders`` of any database that has one; a small one is made where none is given."""

    name = "orders"
    table = "orders"
    text_columns = ("remark",)
    title_column = "item"

    def database_url(self) -> str:
        """The given database, else the example, made where it is not there yet."""
        given = super().database_url()
        if given:
            return given
        folder = data_folder(self.settings).absolute() / "examples"
        return f"sqlite:///{orders.build(folder / 'orders.db')}"
