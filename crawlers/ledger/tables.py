"""The tables of the ledger, as SQLAlchemy Core. One definition for SQLite and PostgreSQL.

Times are RFC 3339 strings in UTC where a person reads them and Unix seconds (float) where they are compared.
JSON is stored as text written by orjson. Every change here comes with a migration in ``migrations.py``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

versions = Table(
    "schema_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", String, nullable=False),
    Column("software", String, nullable=False, comment="version of Gristmill that applied it"),
)

last_commits = Table(
    "last_commits",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False, comment="of its last transaction"),
    Column("at", Float, nullable=False),
    comment="PostgreSQL only: tells a writer whose connection broke whether its last COMMIT took place",
)

crawls = Table(
    "crawls",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("scope", String(64), nullable=False, comment="digest of the arguments but max_pages: names the crawl"),
    Column("arguments", Text, nullable=False, comment="the spider's arguments, JSON"),
    Column("round", Integer, nullable=False, comment="1 for the first crawl of this source and scope"),
    Column("kind", String, nullable=False, comment="crawl, refine, readmit"),
    Column("state", String, nullable=False, comment="open, complete, abandoned"),
    Column("started_at", String, nullable=False),
    Column("completed_at", String),
    UniqueConstraint("source", "scope", "round", "kind", name="uq_crawls"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True, comment="20261124T083301Z-1a2b3c: sortable by start"),
    Column("crawl_id", _Id, ForeignKey("crawls.id"), index=True),
    Column("source", String, nullable=False, index=True),
    Column("command", Text, nullable=False),
    Column("worker", String, nullable=False, comment="host:pid:nonce"),
    Column("started_at", String, nullable=False),
    Column("finished_at", String),
    Column("reason", String, comment="finished, shutdown, disk-full … ; null: still running, or killed"),
    Column("exit_code", Integer),
    Column("settings_digest", String),
    Column("summary", Text, comment="what runs/<run-id>.json says, JSON"),
)

workers = Table(
    "workers",
    metadata,
    Column("worker", String, primary_key=True),
    Column("crawl_id", _Id, ForeignKey("crawls.id"), nullable=False, index=True),
    Column("machine", String, nullable=False, comment="where its process id counts: host, boot, process namespace"),
    Column("pid", Integer, nullable=False),
    Column("started", String, comment="when the system started the process: tells it from a later one of the same id"),
    Column("expires_at", Float, nullable=False, comment="Unix seconds; renewed at a third of the lease"),
)

hosts = Table(
    "hosts",
    metadata,
    Column("crawl_id", _Id, ForeignKey("crawls.id"), primary_key=True),
    Column("host", String, primary_key=True),
    Column("worker", String, index=True, comment="who may fetch from this host now; null: free"),
    comment="hosts that have requests; consulted only while several workers share a crawl",
)

requests = Table(
    "requests",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("crawl_id", _Id, ForeignKey("crawls.id"), nullable=False),
    Column("fingerprint", String(80), nullable=False, comment="hex; a suffix keeps dont_filter requests apart"),
    Column("url", Text, nullable=False),
    Column("host", String, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("depth", Integer, nullable=False, server_default="0"),
    Column("state", String, nullable=False, comment="pending, leased, done, failed, skipped"),
    Column("reason", String, comment="slug: robots, opt-out, offsite, duplicate, trap, too-large, http-404, timeout …"),
    Column("detail", Text),
    Column("worker", String, comment="who holds the lease"),
    Column("available_at", Float, nullable=False, server_default="0", comment="Unix seconds; not claimed before"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("payload", Text, nullable=False, comment="what the request has besides its URL, JSON"),
    Column("parent_id", _Id, comment="the request whose page led here"),
    Column("status", Integer),
    Column("settled_at", String),
    Column("run_id", String(40), comment="the run that settled it"),
    UniqueConstraint("crawl_id", "fingerprint", name="uq_requests"),
)
# Only what waits or is leased is indexed: settled requests, which are nearly all, cost nothing more.
_pending, _leased = text("state = 'pending'"), text("state = 'leased'")
Index(
    "ix_requests_claim",
    requests.c.crawl_id,
    requests.c.priority.desc(),
    requests.c.id,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
Index(
    "ix_requests_host",
    requests.c.crawl_id,
    requests.c.host,
    requests.c.priority.desc(),
    requests.c.id,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
Index("ix_requests_leased", requests.c.crawl_id, requests.c.host, sqlite_where=_leased, postgresql_where=_leased)

request_counts = Table(
    "request_counts",
    metadata,
    Column("crawl_id", _Id, ForeignKey("crawls.id"), primary_key=True),
    Column("state", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
    comment="how many requests are in each state: kept in step by every change, so that progress costs nothing",
)

pages = Table(
    "pages",
    metadata,
    Column("source", String, primary_key=True),
    Column("fingerprint", String(80), primary_key=True, comment="of the request, without suffix"),
    Column("url", Text, nullable=False),
    Column("host", String, nullable=False),
    Column("status", Integer),
    Column("etag", String),
    Column("last_modified", String),
    Column("headers", Text, comment="of the answer, JSON: name to list of values"),
    Column("encoding", String),
    Column("body_sha256", String, index=True, comment="names the capture"),
    Column("request", Text, nullable=False, comment="payload, so that refine can call the same callback"),
    Column("fetched_at", String, nullable=False),
    comment="the last good answer of each URL: validators for the next crawl, and what refine reads",
)

captures = Table(
    "captures",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="zstd"),
    Column("size", Integer, nullable=False, comment="bytes before compression"),
    Column("stored", Integer, nullable=False, comment="bytes after compression"),
    Column("captured_at", String, nullable=False),
)
Index("ix_captures_sizes", captures.c.captured_at, captures.c.size, captures.c.stored)  # sums without reading bodies

records = Table(
    "records",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source", String, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("envelope_hash", String(32), nullable=False, comment="of the body without its provenance"),
    Column("state", String, nullable=False, comment="kept, gone"),
    Column("url", Text),
    Column("host", String),
    Column("type", String, nullable=False),
    Column("modality", String, nullable=False),
    Column("language", String),
    Column("body", Text, nullable=False, comment="the record, JSON"),
    Column("crawl_id", _Id, comment="the crawl that saw it last"),
    Column("page_fingerprint", String(80), comment="the page it was found on"),
    Column("first_run", String(40), nullable=False),
    Column("version_run", String(40), comment="the run that made this version"),
    Column("changed_run", String(40), nullable=False, comment="the run that made it, or changed other facts about it"),
    Column("seen_run", String(40), nullable=False, comment="the run that saw it last"),
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("asked_by", _Id, comment="the crawl that asked for its page last; refine and readmit ask for none"),
)
Index("ix_records_source", records.c.source, records.c.state, records.c.id)
Index("ix_records_page", records.c.page_fingerprint)

record_versions = Table(
    "record_versions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("run_id", String(40), nullable=False),
    comment="earlier versions of changed records",
)

rejections = Table(
    "rejections",
    metadata,
    Column("record_id", String(32), primary_key=True),
    Column("source", String, nullable=False),
    Column("key", Text, nullable=False),
    Column("url", Text),
    Column("stage", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", Text),
    Column("value", Text, comment="JSON"),
    Column("threshold", Text, comment="JSON"),
    Column("settings_digest", String),
    Column("duplicate_of", String(32)),
    Column("body", Text, nullable=False, comment="the record as it was when it reached the stage, JSON"),
    Column("crawl_id", _Id),
    Column("page_fingerprint", String(80)),
    Column("run_id", String(40), nullable=False),
    Column("rejected_at", String, nullable=False),
    Column("asked_by", _Id, comment="as that of a record"),
    comment="a record id stands in records or here, never in both",
)
Index("ix_rejections_source", rejections.c.source, rejections.c.stage, rejections.c.reason, rejections.c.record_id)

signatures = Table(
    "signatures",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True, comment="grows: other workers read what is new"),
    Column("record_id", String(32), nullable=False, unique=True),
    Column("source", String, nullable=False),
    Column("text_hash", LargeBinary, nullable=False, comment="first 16 bytes of sha256 of the normalised text"),
    Column(
        "bands", LargeBinary, nullable=False, comment="one 8-byte key per LSH band, little endian; empty: too short"
    ),
    comment="the deduplication index: one row for each kept record",
    sqlite_autoincrement=True,  # a number that was deleted is never given again, or a reader would miss it
)

media = Table(
    "media",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("path", String, nullable=False, comment="below the data folder"),
    Column("media_type", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("facts", Text, nullable=False, comment="width, height, perceptual hash, quality …, JSON"),
    Column("stored_at", String, nullable=False),
)

media_urls = Table(
    "media_urls",
    metadata,
    Column("url", Text, primary_key=True),
    Column("sha256", String, nullable=False, index=True),
    Column("etag", String),
    Column("last_modified", String),
    Column("fetched_at", String, nullable=False),
    comment="what each media URL gave last, so that a second run downloads nothing new",
)
