"""One rule per file, in the order that ``settings.ITEM_PIPELINES`` lists."""
