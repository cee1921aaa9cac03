"""What a run did: its figures (JSON), a page to look at (HTML), ten lines on a terminal."""

from crawlers.report.figures import Ending, excerpt, printable, summary

__all__ = ["Ending", "excerpt", "printable", "summary"]
