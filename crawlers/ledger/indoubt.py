"""Transactions in doubt: whether a COMMIT took place whose answer never came, on PostgreSQL.

Each writer has one row, which says the number of its last transaction, and is part of that transaction. The number that
PostgreSQL gives a transaction itself does not tell: one that a crash took with it is given again to somebody else's.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from sqlalchemy import delete

from crawlers.ledger import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEPT = 86_400.0  # seconds after its last transaction that a writer may still be in doubt about it

_SIGN = """
    INSERT INTO last_commits (writer, number, at) SELECT %s, %s, %s WHERE pg_current_xact_id_if_assigned() IS NOT NULL
    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at"""
# Writes the row as it is: an insert waits for the transaction in doubt, where the server still has it; a query would not.
_ASK = """
    INSERT INTO last_commits (writer, number, at) VALUES (%s, 0, %s)
    ON CONFLICT (writer) DO UPDATE SET number = last_commits.number RETURNING number"""


class Signature:
    """The row of one writer, whose transactions follow one another."""

    def __init__(self) -> None:
        self._writer = secrets.token_hex(16)
        self._number = 0

    def sign(self, conn: Connection) -> bool:
        """Make the transaction of *conn* known as the last one; False where it has changed nothing."""
        self._number += 1
        return conn.exec_driver_sql(_SIGN, (self._writer, self._number, time.time())).rowcount > 0

    def is_committed(self, conn: Connection) -> bool:
        """Whether the transaction that was signed last took place. Waits for its end; *conn* is a new one, to be rolled back."""
        if conn.exec_driver_sql("SELECT to_regclass('last_commits')").scalar() is None:
            return False  # it would have made the tables
        return conn.exec_driver_sql(_ASK, (self._writer, time.time())).scalar() == self._number


def forget(conn: Connection) -> None:
    """Drop the rows of writers that are gone."""
    conn.execute(delete(tables.last_commits).where(tables.last_commits.c.at < time.time() - _KEPT))
