"""Standard output whose reader may have seen enough, as in ``scrapy flow site | head -1``: end quietly, without an error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 160  # of a line that goes to a file or a pipe


@contextlib.contextmanager
def until_reader_leaves() -> Iterator[None]:
    """Run the block until it is done, or until nobody reads what it writes."""
    try:
        yield
        if sys.stdout is not None:  # closed by who started us: there is nothing to be seen
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its exit


class OutputConsole(Console):
    """Rich's console for standard output; a reader that left is a BrokenPipeError, not exit code 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            highlight=False, width=None if sys.stdout is not None and sys.stdout.isatty() else _WIDTH, **options
        )

    def on_broken_pipe(self) -> None:
        """Called by Rich while it handles the error."""
        raise  # the one that is being handled
