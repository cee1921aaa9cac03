"""The command line beyond Scrapy's own, as Scrapy commands."""
