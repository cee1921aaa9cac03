"""Text that a reader of the page does not see, and text that speaks to a model: a person should know that it is there.

Pages hide text for good reasons: tabs, dialogs, messages for old browsers. What is flagged is prose that is hidden by a
trick (size nought, off the screen, in the colour of the ground), prose that an element hides all alone in the middle of a
page, and instructions to a model, hidden or not.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import re2

from crawlers.extractors.nesting import apart
from crawlers.extractors.outline import outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_TRICK = re.compile(
    r"font-size\s*:\s*(?:0+(?:\.0+)?(?:px|pt|em|rem|%)?|[01](?:\.\d+)?px|0?\.[01]\d*(?:px|em|rem))\s*(?:;|!|$)|"
    r"(?<![\w-])(?:left|top|right|text-indent|margin-left)\s*:\s*-\d{3,}(?:\.\d+)?(?:px|em|rem|pt)|"
    r"max-height\s*:\s*0(?:px)?\s*(?:;|$).*overflow\s*:\s*hidden|clip\s*:\s*rect\(\s*0",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"none|hidden|opacity|font-size|:\s*-\d|clip|background", re.IGNORECASE)
_TOGGLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)", re.IGNORECASE)
_MOVING = re.compile(r"transform|transition|will-change|pointer-events|width\s*:\s*1px", re.IGNORECASE)
"""What is shown by and by, and what is there for programs that read pages aloud."""

_COLOURS = re.compile(r"(?:^|;)\s*(background(?:-color)?|color)\s*:\s*([^;!]+)", re.IGNORECASE)
_FOR_READERS = re.compile(r"sr-only|visually-?hidden|screen-?reader|skip|assistive|a11y|tooltip|print", re.IGNORECASE)
_INTERFACE = re.compile(
    r"modal|popup|dialog|overlay|cookie|consent|alert|notice|message|error|warning|toast|banner|menu|nav|tab|accordion|"
    r"collaps|expand|dropdown|slide|carousel|form|search|login|hover|reveal|loading|template|browser|header|footer|more",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"browser|javascript|cookie|loading|please|error|try again|required|success|thank|upgrade|you (?:must|need|have|are)|"
    r"©|copyright|\{\{|\$\{|function\s*\(",
    re.IGNORECASE,
)
_INSTRUCTIONS = re2.compile(
    r"(?i)"
    r"(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+|these\s+|of\s+)*(?:previous|prior|above|earlier|"
    r"preceding|other|system|original)\s+(?:\w+\s+){0,2}(?:instruction|prompt|direction|rule|command|guideline|context)|"
    r"(?:you are|act as|pretend to be)\s+(?:now\s+)?(?:an?\s+)?(?:ai|llm|language model|assistant|chatbot|chatgpt|gpt)\b|"
    r"(?:if|when)\s+you\s+are\s+(?:an?\s+)?(?:ai|llm|large language model|language model|assistant|chatbot|bot|model)\b|"
    r"(?:attention|dear|hey|hello|notes? (?:to|for)|messages? (?:to|for)|instructions? (?:to|for))\s+(?:all\s+|any\s+|the\s+)?"
    r"(?:ai|llm|language model)s?\b(?:\s+(?:assistant|agent|model|crawler|reviewer|system)s?)?\s*[:,.!]|"
    r"(?:reveal|print|repeat|output|leak)\s+(?:\w+\s+){0,3}(?:system prompt|your (?:instructions|prompt))|<\|?(?:im_start|system|endoftext)\|?>|\[INST\]|"
    r"do not (?:tell|inform|mention (?:this|it) to) the (?:user|human)|new (?:system )?instructions?\s*:",
)
"""By RE2: linear in the page's text, whatever stands there."""

_AREAS = frozenset(
    {"nav", "header", "footer", "aside", "dialog", "form", "noscript", "template", "select", "button", "svg"}
)
_BLOCKS = "div, ul, ol, table, section, article, h1, h2, h3, h4, li, form, input, button, select, img, a"
_WORDS, _PROSE = 6, 12
_ALONE = 2
"""Hidden elements alike that a page may have; more are the tabs or answers of its interface."""

_NODES_MAX = 2000
_STYLE_MAX = 1000
_UP = 6


def flags_of(page: Page) -> list[str]:
    """``hidden-text`` and ``model-instructions``, where the page has them."""
    flags = []
    if prose(page):
        flags.append("hidden-text")
    if _speaks_to_models(page):
        flags.append("model-instructions")
    return flags


def _speaks_to_models(page: Page) -> bool:
    return _INSTRUCTIONS.search("\n".join(outline(page).texts)) is not None


def prose(page: Page) -> list[str]:
    """The hidden texts that nothing about the page explains, white space collapsed."""
    return page.remember("hidden", _prose)


def _prose(page: Page) -> list[str]:
    hiding = [(node, how) for node in page.tree.css("[style], [hidden]")[:_NODES_MAX] if (how := _how(node))]
    if not hiding:
        return []
    alike = Counter((node.tag, node.attributes.get("class")) for node, _ in hiding)
    tricks = {node.mem_id for node, how in hiding if how == "trick"}
    found = []
    for node in apart([node for node, _ in hiding], 1):
        trick = node.mem_id in tricks
        if trick or alike[(node.tag, node.attributes.get("class"))] <= _ALONE:
            text = " ".join(node.text(separator=" ").split())
            if _is_suspicious(node, text, trick=trick):
                found.append(text)
    return found


def _how(node: LexborNode) -> str:
    """How *node* hides what is in it: by a trick, by a toggle, or not at all."""
    attributes = node.attributes
    style = (attributes.get("style") or "")[:_STYLE_MAX]
    if "hidden" in attributes:
        return "toggle"
    if _MAYBE.search(style) is None or _MOVING.search(style) is not None:
        return ""
    if _TRICK.search(style) is not None or _in_ground_colour(style):
        return "trick"
    return "toggle" if _TOGGLE.search(style) else ""


def _is_suspicious(node: LexborNode, text: str, *, trick: bool) -> bool:
    if node.tag in _AREAS or node.css_first("script, style, input, button, svg") is not None:
        return False
    if len(text.split()) < _WORDS:
        return False
    if _INSTRUCTIONS.search(text):
        return True
    if _names(node, _FOR_READERS) or node.css_first("a") is not None:
        return False
    return trick or _hides_alone(node, text)


def _hides_alone(node: LexborNode, text: str) -> bool:
    """Whether *node* hides a sentence of its own, not a part of the page's interface."""
    if len(text.split()) < _PROSE or _ANSWERS.search(text):
        return False
    if any(part.mem_id != node.mem_id for part in node.css(_BLOCKS)) or len(node.css("p")) > 1:
        return False  # a node is among its own matches
    return not _names(node, _INTERFACE) and text.rstrip("\"'”»)").endswith((".", "!", "?", "。"))


def _names(node: LexborNode, words: re.Pattern[str]) -> bool:
    """Whether *node* or one of the elements right around it calls itself one of *words*, or stands in the page's frame."""
    here: LexborNode | None = node
    for _ in range(_UP):
        if here is None or here.tag == "body":
            return False
        attributes: Mapping[str, str | None] = here.attributes
        if words.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}"):
            return True
        if words is _INTERFACE and here.tag in _AREAS:
            return True
        here = here.parent
    return False


def _in_ground_colour(style: str) -> bool:
    if "background" not in style:
        return False
    colours = {name.lower()[:10]: value.strip().lower().replace(" ", "") for name, value in _COLOURS.findall(style)}
    return "color" in colours and colours["color"] == colours.get("background")
