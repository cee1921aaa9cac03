"""`scrapy genspider -t web <name> <domain>`: Scrapy's command, with our templates beside Scrapy's own."""

from __future__ import annotations

from pathlib import Path

from scrapy.commands.genspider import Command as ScrapyCommand
from scrapy.exceptions import UsageError

TEMPLATES = Path(__file__).parent.parent / "templates" / "spiders"


class Command(ScrapyCommand):
    def _find_template(self, template: str) -> Path | None:
        own = TEMPLATES / f"{template.removesuffix('.tmpl')}.tmpl"
        return own if own.exists() else super()._find_template(template)

    def _list_templates(self) -> None:
        super()._list_templates()
        for file in sorted(TEMPLATES.glob("*.tmpl")):
            print(f"  {file.stem}")

    def _spider_exists(self, name: str) -> bool:
        try:
            return super()._spider_exists(name)
        except UsageError:  # how our spider loader says that there is none
            return False
