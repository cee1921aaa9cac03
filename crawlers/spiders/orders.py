"""Orders: rows of a table, as an example of a SQL source. `scrapy crawl orders [-a database=…]`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crawlers.demo import orders
from crawlers.sources.sql import SqlSource

if TYPE_CHECKING:
    from sqlalchemy import Engine


class OrdersSpider(SqlSource):
    """The table ``orders`` of any database that has one; a small one is made where none is given."""

    name = "orders"
    table = "orders"
    text_columns = ("remark",)
    title_column = "item"

    @cached_property
    def engine(self) -> Engine:
        """The given database, else the example, made where it is not there yet."""
        if not self.args.database:
            folder = Path(self.settings.get("DATA_DIR") or "data").absolute() / "examples"
            self.args.database = f"sqlite:///{orders.build(folder / 'orders.db')}"
        return super().engine
