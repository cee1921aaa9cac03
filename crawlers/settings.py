"""Every setting of Gristmill, in the order of the flow: meaning, unit, default.

Scrapy's own settings keep their names and meaning; those that differ from its defaults say why. Any of them can be
given for one run with ``-s NAME=value``, for one spider in ``custom_settings``, or for a server in the environment:
``DATA_DIR``, ``DATABASE_URL``, ``NETWORK_ALLOW`` and ``EXPORTS`` are read from there too.
"""

import os
import sys

# --- the project ----------------------------------------------------------------------------------------------------

BOT_NAME = "gristmill"
SPIDER_MODULES = ["crawlers.spiders"]
NEWSPIDER_MODULE = "crawlers.spiders"
COMMANDS_MODULE = "crawlers.commands"
SPIDER_LOADER_CLASS = "crawlers.spiderloader.GristmillSpiderLoader"

DATA_DIR = os.environ.get("DATA_DIR", "data")
"""Folder of everything that is written: the ledger, media, exports, reports. Empty: data."""

# --- where records are kept: crawlers/ledger/ -----------------------------------------------------------------------

DATABASE_URL = os.environ.get("DATABASE_URL", "")
"""SQLAlchemy URL of the ledger. Empty: SQLite in DATA_DIR. postgresql+psycopg://… lets several workers share a crawl."""

LEDGER_TIMEOUT = 60.0
"""Seconds to wait for a locked or restarting database before the run stops."""

LEASE_SECONDS = 60.0
"""Seconds after which the leases of a silent worker go to the others. Renewed at a third of it."""

SETTLE_INTERVAL = 0.05
"""Seconds that a finished page waits at most for others to be committed in the same transaction."""

SETTLE_PAGES = 8
"""Finished pages that start a transaction without waiting; at most half of CONCURRENT_REQUESTS."""

CAPTURE_ENABLED = True
"""Keep the body of each answer, compressed, once per content: what `refine` and conditional requests read."""

CAPTURE_MAX_BYTES = 10 * 1024 * 1024
"""Bodies larger than this are not kept."""

CAPTURE_RETENTION_DAYS = 90
"""Days after which `scrapy ledger compact` drops a capture. 0: never."""

SCHEDULER = "crawlers.ledger.scheduler.LedgerScheduler"
ITEM_PROCESSOR = "crawlers.pipelines.manager.RecordPipelineManager"

# --- how sources are asked: crawlers/middlewares/ -------------------------------------------------------------------

USER_AGENT = "Gristmill/0.1 (+https://pypi.org/project/gristmill/)"
"""Put a contact of yours here: sites that know whom to ask do not have to block."""

ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS = 16
CONCURRENT_REQUESTS_PER_DOMAIN = 8
DOWNLOAD_DELAY = 0
DOWNLOAD_TIMEOUT = 60
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
DOWNLOAD_WARNSIZE = 16 * 1024 * 1024
DOWNLOAD_VERIFY_CERTIFICATES = True
COOKIES_ENABLED = True
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

NETWORK_ALLOW = os.environ.get("NETWORK_ALLOW", "")
"""Comma-separated networks (CIDR) that may be fetched from besides public addresses, for example 127.0.0.0/8.

A proxy (``http_proxy``, ``https_proxy`` in the environment, or ``proxy`` in a request's meta) is the operator's word and
is not checked. It looks names up and connects itself: behind it only addresses that stand in a URL are checked.
"""

HTTPPROXY_ENABLED = True
"""Take the proxies that the environment names. False: connect without them, so that each address is checked."""

DOWNLOADER = "crawlers.middlewares.slots.SlotDownloader"  # keeps to the limit of requests a host; Scrapy 2.19 does not

DOWNLOAD_HANDLERS: dict[str, str | None] = {
    "http": "crawlers.middlewares.downloads.GuardedDownloadHandler",  # checks each address as it connects
    "https": "crawlers.middlewares.downloads.GuardedDownloadHandler",
    "sql": "crawlers.sources.pieces.PieceDownloadHandler",  # pages of a table, read by the spider itself
    "folder": "crawlers.sources.pieces.PieceDownloadHandler",  # parts of files
    # A page from the network never makes us read a file or talk to anything that is not the web.
    "file": None,
    "data": None,
    "ftp": None,
    "s3": None,
}

DOWNLOADER_MIDDLEWARES: dict[str, int | None] = {
    # Requests pass from the top to the bottom, answers from the bottom to the top.
    "crawlers.middlewares.revisit.RevisitMiddleware": 20,  # answers from the captures, so that nothing else is asked
    "crawlers.middlewares.guard.GuardMiddleware": 30,  # first: what the URL alone forbids costs nothing more
    "crawlers.middlewares.traps.TrapGateMiddleware": 40,  # queued before its pattern turned out to be endless
    "crawlers.middlewares.offsite.OffsiteMiddleware": 50,
    "crawlers.middlewares.holds.HoldMiddleware": 90,  # hosts that are left alone, before their robots.txt is asked
    "crawlers.middlewares.robots.RobotsMiddleware": 100,
    "crawlers.middlewares.consent.ConsentMiddleware": 110,  # robots.txt before asking, headers after
    "crawlers.middlewares.retry.RetryMiddleware": 550,
    "crawlers.middlewares.retryafter.RetryAfterMiddleware": 560,  # as soon as an answer arrives
    "crawlers.middlewares.slowdown.SlowdownMiddleware": 570,
    "crawlers.middlewares.redirects.MetaRefreshMiddleware": 580,
    "crawlers.middlewares.charset.CharsetMiddleware": 585,  # before anybody reads the text
    "crawlers.middlewares.compression.CompressionMiddleware": 590,
    "crawlers.middlewares.redirects.RedirectMiddleware": 600,
    "crawlers.middlewares.cookies.CookiesMiddleware": 700,
    # What is replaced above.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
}
"""One rule a file; the numbers leave room for those of a project."""

SPIDER_MIDDLEWARES: dict[str, int | None] = {
    "crawlers.middlewares.start.StartMiddleware": 5,  # what refine and readmit begin with
    "crawlers.middlewares.settle.SettleMiddleware": 10,  # first: opens the page for all that follow
    # What comes from the spider passes from the bottom to the top. These mark requests, which are then recorded.
    "crawlers.middlewares.traps.TrapMiddleware": 550,
    "crawlers.middlewares.schemes.SchemeMiddleware": 600,
    "crawlers.middlewares.lengths.UrlLengthMiddleware": 800,
    "crawlers.middlewares.lengths.DepthMiddleware": 900,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
}

ROBOTS_LIFETIME = 86_400.0
"""Seconds for which a robots.txt is believed."""

ROBOTS_PATIENCE = 40.0
"""Seconds for which an unreachable robots.txt is waited for before the site's pages are skipped."""

ROBOTS_DELAY_MAX = 60.0
"""Seconds; a longer Crawl-delay is cut to this."""

RETRY_TIMES = 8
"""Tries after the first while the host answers others. Scrapy's 2 lose a page in 125 where a fifth of all tries fail."""

RETRY_BACKOFF = 0.5
"""Seconds before the first retry of a request; doubles with each."""

RETRY_BACKOFF_MAX = 30.0
"""Seconds between two tries at most."""

RETRY_OUTAGE = 600.0
"""Seconds that a host which has answered may be silent before its requests fail. Until then they wait together."""

RETRY_AFTER_MAX = 3600.0
"""Seconds that a Retry-After header can make us wait at most. 0: it is not read."""

SLOWDOWN_MAX = 10.0
"""Seconds between two requests to a host that answers 429 or 503, at most. 0: no slowing down."""

AI_OPTOUT_POLICY = "respect"
"""What becomes of pages and records that refuse use for AI. respect: skipped or rejected as opt-out. flag: kept, marked."""

TRAP_PAGES = 30
"""Pages in a row of one URL pattern that bring nothing new; its other URLs are then skipped. 0: no traps are looked for."""

TRAP_REPEATS = 3
"""Times that one segment may come in a URL's path."""

TRAP_SEGMENTS = 20
"""Segments that a URL's path may have."""

HTTP_DECOMPRESS_MAXSIZE = 32 * 1024 * 1024
"""Bytes that may come out of one compressed answer."""

DEMO_PORT = 8642
"""Port on 127.0.0.1 at which the source `demo` serves its own site while it crawls it."""

# --- what happens to records: crawlers/pipelines/, in this order ----------------------------------------------------

ITEM_PIPELINES = {
    "crawlers.pipelines.extract.ExtractPipeline": 100,
    "crawlers.pipelines.consent.ConsentPipeline": 150,
    "crawlers.pipelines.clean.CleanPipeline": 200,
    "crawlers.pipelines.deduplicate.DeduplicatePipeline": 300,
    "crawlers.pipelines.keywords.KeywordsPipeline": 400,
    "crawlers.pipelines.media.MediaPipeline": 500,
    "crawlers.pipelines.images.ImagesPipeline": 550,
    "crawlers.pipelines.validate.ValidatePipeline": 600,
    "crawlers.pipelines.store.StorePipeline": 900,
}

CONCURRENT_ITEMS = 4
"""Items of one page that are processed at a time. Scrapy's 100 starts as many tasks for each page."""

# extract

EXTRACT_TEXT = "auto"
"""How the main text is chosen: fast (the classifier's first trees), auto (all of them where the first are in doubt) or
precise (all of them, and trafilatura's vote, at ten times the cost)."""

# clean

CLEAN_MISSING = ["", "-", "--", "–", "—", "n/a", "#n/a", "null", "nan", "undefined"]
"""Strings in a record's own fields that stand for no value, compared without case. They become null."""

CLEAN_LANGUAGE = True
"""Detect the language where the source declares none, and check it where it does."""

# deduplicate

DEDUP_ENABLED = True
"""Reject records whose text is that of a kept one, or nearly."""

DEDUP_THRESHOLD = 0.8
"""Least Jaccard similarity of the shingles of near-duplicates, from 0.3 to 1."""

DEDUP_SHINGLE_WORDS = 5
"""Words in a shingle. Fewer find looser copies; a change signs the whole index anew."""

DEDUP_MIN_WORDS = 20
"""A text with fewer words is a duplicate only where title, fields and media are the same too."""

DEDUP_SCOPE = "all"
"""all: compare with the records of every source; source: within each source alone."""

DEDUP_REFRESH = 1.0
"""Seconds after which what other workers have kept is taken in."""

# keywords

KEYWORDS: object = []
"""Phrases of which one must occur: a list, "a,b" or "@file" with one a line; or by language, {"de": "@de.txt", "*": […]}.
The spider argument `keywords` takes its place. Nothing in any of these lists: the stage is off."""

KEYWORDS_ALL: object = []
"""Phrases that must all occur."""

KEYWORDS_NONE: object = []
"""Phrases of which none may occur. The spider argument `exclude` takes its place."""

KEYWORDS_PATTERNS: list[str] = []
"""Regular expressions in RE2's syntax that count as phrases of KEYWORDS."""

KEYWORDS_GROUPS: list[dict[str, object]] = []
"""More conditions, which must all hold: {"name": "solar", "any": […], "all": […], "none": […], "patterns": […],
"none_patterns": […], "in": ["title", "fields.tags"]}."""

KEYWORDS_FIELDS = ["title", "text"]
"""Where phrases are looked for: title, text, or names such as fields.tags."""

KEYWORDS_WHOLE_WORDS = True
"""A phrase is found only where it is not part of a longer word. Scripts without spaces between words: anywhere."""

KEYWORDS_FOLD_CASE = True
"""Capitals and small letters are the same."""

KEYWORDS_FOLD_ACCENTS = False
"""Letters with and without accents are the same."""

KEYWORDS_MATCHES_MAX = 1000
"""Matches that are kept on one record."""

# media and images

MEDIA_ENABLED = True
"""Store the pictures of records, once by content. Needs the extra ``image``."""

MEDIA_TYPES = ["image"]
"""Media types that are stored, or their first halves: image, audio, video, application/pdf."""

MEDIA_MAX_PER_RECORD = 8
"""Files of one record that are fetched at most."""

MEDIA_MAX_BYTES = 20 * 1024 * 1024
"""Larger files are not kept."""

IMAGE_REQUIRED_FOR = ["ImageObject", "image"]
"""Types or modalities of records that are refused where their main picture is blurred, small or broken.
Records of other kinds are only flagged."""

IMAGE_MIN_SHARPNESS = 0.25
"""Hardness of the edges, 0 to 1, below which a picture counts as blurred; see extractors/pictures.py. 0: not asked."""

IMAGE_MIN_SIDE = 64
"""Pixels of the shorter side."""

IMAGE_DUPLICATES = False
"""Whether several records of modality image may have the same picture."""

# validate

SCHEMAS_DIR = ""
"""Folder of the project's JSON Schemas. Empty: schemas/ beside scrapy.cfg. Those of the package are found without it."""

VALIDATE_SOURCE = False
"""Whether a source without sources/<source>.schema.json stops before the first request."""

# --- what comes out: crawlers/exporters/ ----------------------------------------------------------------------------

EXPORTS = os.environ.get("EXPORTS", "jsonl,label-studio")
"""Formats that are written to DATA_DIR/<source>/ at the end of each crawl. Empty: none."""

FEED_EXPORTERS = {
    # Scrapy's -o file.csv and its sisters: with every column of a record, and safe to open.
    "csv": "crawlers.feeds.CsvFeedExporter",
    "json": "crawlers.feeds.JsonFeedExporter",
    "jsonl": "crawlers.feeds.JsonLinesFeedExporter",
    "jsonlines": "crawlers.feeds.JsonLinesFeedExporter",
    "jl": "crawlers.feeds.JsonLinesFeedExporter",
    "xml": "crawlers.feeds.XmlFeedExporter",
}

FEED_EXPORT_ENCODING = "utf-8"

# --- what a person sees: crawlers/extensions/ -----------------------------------------------------------------------

LOG_VERSIONS: list[str] = []
"""Libraries whose versions Scrapy lists at each start."""

LOG_LEVEL = "WARNING" if sys.stderr.isatty() else "INFO"
"""On a terminal the progress line and the summary say what the log says elsewhere."""

LOG_FORMATTER = "crawlers.logformatter.GristmillLogFormatter"
"""One line for a request that failed; its traceback is at level DEBUG."""

STATS_CLASS = "crawlers.counters.LeanStatsCollector"  # Scrapy's, without a search at each count

STATS_DUMP = False
"""Scrapy's counters go into runs/<run-id>.json as far as they mean something; True logs all of them."""

PROGRESS_INTERVAL = 60.0
"""Seconds between two log lines of progress. 0: none, and no progress line on a terminal either."""

WARN_ON_GENERATOR_RETURN_VALUE = False
"""Scrapy's check of each callback reads its source anew for each answer: 2 % of a page. Set it to True while writing one."""

GC_THRESHOLD = 50_000
"""New containers before Python looks for cycles while a crawl runs. 0: Python's own threshold."""

EXTENSIONS: dict[str, int | None] = {
    "scrapy.extensions.logstats.LogStats": None,  # ProgressExtension says more
    "crawlers.extensions.settings.SettingsExtension": -100,  # before Scrapy's own, which read them
    "crawlers.extensions.collector.CollectorExtension": 50,
    "crawlers.extensions.progress.ProgressExtension": 100,
    "crawlers.extensions.precedence.PrecedenceExtension": 150,  # when the spider is idle
    "crawlers.extensions.exports.ExportsExtension": 200,  # when the spider closes
    "crawlers.extensions.report.ReportExtension": 300,  # when the engine stops, after the exports
}
