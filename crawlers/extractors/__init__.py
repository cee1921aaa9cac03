"""Bytes to text, fields and media facts, chosen by media type. Knows nothing of Scrapy."""
