"""One format per file, both directions: records to files and tasks, tool output to annotations."""
