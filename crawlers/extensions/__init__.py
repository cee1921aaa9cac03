"""One run-level watcher per file: exports, report, progress."""
