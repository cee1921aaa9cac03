"""Gristmill: from a source to annotation-ready records, and nothing lost on the way.

The flow, and the room where each step lives::

    source -> spider -> extract -> clean -> deduplicate -> filter -> validate -> ledger -> export
    sources/  spiders/  extractors/  ----------- pipelines/ -----------          ledger/   exporters/
                          |                                                        ^
                          +---------------- rejected, with the reason -------------+

A spider yields :class:`crawlers.items.Record`; the pipelines fill it in, repair it, or raise
:class:`crawlers.errors.Rejected`; the ledger keeps what was decided in one transaction per page.
Imports run one way: ``items, errors, schemas <- extractors <- sources <- spiders``.
"""

__version__ = "0.1.0"
