"""Checks for ``format`` in JSON Schema, the same for both validators: neither's own idea of a date decides alone.

Each takes the value and says whether it has the format; what is not a string always has it, as the standard says.
Formats that are not here are not checked. Sources: RFC 3339 (dates, times, durations), 3986 and 3987 (URI, IRI), 5321 (e-mail),
1123 (host names), 6901 (JSON Pointer), 9562 (UUID).
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TIME = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?(z|Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DURATION = re.compile(
    r"P(?=.)([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)?"
    r"(T(?=.)([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))?)"
)
_ASCII_URI = r"[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}"
_REFERENCE = r"(?:{chars}|\[[0-9A-Fa-f:.]+\])*(?:\#(?:{chars})*)?"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_IRI_CHARS = _ASCII_URI + "|[\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd]"
_URI = re.compile(_SCHEME + _REFERENCE.format(chars=_ASCII_URI))
_URI_REFERENCE = re.compile(_REFERENCE.format(chars=_ASCII_URI))
_IRI = re.compile(_SCHEME + _REFERENCE.format(chars=_IRI_CHARS))
_IRI_REFERENCE = re.compile(_REFERENCE.format(chars=_IRI_CHARS))
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(.+)")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_UUID = re.compile(r"[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


def is_date(text: str) -> bool:
    """``2026-11-24``."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """``08:33:01Z``, with an offset; a leap second only where it is 23:59 in UTC."""
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    if match[3] != "60":
        return True
    offset = int(match[7] or 0) * 60 + int(match[8] or 0)
    minutes = int(match[1]) * 60 + int(match[2]) + (-offset if match[6] == "+" else offset)
    return minutes % 1440 == 1439


def is_date_time(text: str) -> bool:
    """``2026-11-24T08:33:01Z``."""
    return len(text) > 10 and text[10] in "Tt" and is_date(text[:10]) and is_time(text[11:])


def is_ipv4(text: str) -> bool:
    """``192.0.2.1``."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return text.isascii()


def is_ipv6(text: str) -> bool:
    """``2001:db8::1``, without a zone."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.isascii() and "%" not in text


def is_hostname(text: str) -> bool:
    """``example.com``."""
    return len(text) <= 253 and all(map(_LABEL.fullmatch, text.split(".")))


def is_email(text: str) -> bool:
    """``someone@example.com`` or ``someone@[192.0.2.1]``."""
    match = _EMAIL.fullmatch(text)
    if match is None:
        return False
    host = match[2]
    if host.startswith("[") and host.endswith("]"):
        return is_ipv6(host[6:-1]) if host.startswith("[IPv6:") else is_ipv4(host[1:-1])
    return is_hostname(host)


def is_regex(text: str) -> bool:
    """A pattern that Python's ``re`` can compile."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _full(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _strings(check: Callable[[str], bool]) -> Callable[[Any], bool]:
    return lambda value: check(value) if isinstance(value, str) else True


FORMATS: dict[str, Callable[[Any], bool]] = {
    name: _strings(check)
    for name, check in {
        "date": is_date,
        "time": is_time,
        "date-time": is_date_time,
        "duration": _full(_DURATION),
        "email": is_email,
        "hostname": is_hostname,
        "ipv4": is_ipv4,
        "ipv6": is_ipv6,
        "uri": _full(_URI),
        "uri-reference": _full(_URI_REFERENCE),
        "iri": _full(_IRI),
        "iri-reference": _full(_IRI_REFERENCE),
        "json-pointer": _full(_POINTER),
        "uuid": _full(_UUID),
        "regex": is_regex,
    }.items()
}
"""Format to its check."""

UNCHECKED = ("idn-email", "idn-hostname", "relative-json-pointer", "uri-template")
"""Formats of the standard that are annotations here, so that one validator does not check what the other does not."""
