"""Kinds of source: nameless base spiders that do the protocol work, so that a named spider is a few lines."""
