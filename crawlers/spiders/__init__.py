"""Named sources, one file each: ``scrapy crawl <name>``."""
