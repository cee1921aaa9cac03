"""Which addresses may be connected to. Knows no Scrapy and resolves nothing: the caller checks what it connects to.

Public unicast addresses are allowed; everything that the IANA special-purpose registries (RFC 6890) keep for loopback,
private, link-local, shared, documentation and other special use is not, nor are cloud metadata services, nor IPv6
forms that carry such an IPv4 address inside (mapped, compatible, 6to4, NAT64, Teredo, ISATAP).
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from crawlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORBIDDEN4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("127.0.0.0/8", "loopback"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("100.64.0.0/10", "shared (carrier-grade NAT)"),
        ("0.0.0.0/8", "this host"),
        ("168.63.129.16/32", "cloud metadata"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
    )
)
_FORBIDDEN6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::1/128", "loopback"),
        ("::/128", "this host"),
        ("fe80::/10", "link-local"),
        ("fc00::/7", "private"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved for protocols (Teredo and others)"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("100::/64", "discard"),
    )
)
_GLOBAL6 = IPv6Network("2000::/3")
_COMPATIBLE = IPv6Network("::/96")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_6TO4 = IPv6Network("2002::/16")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_KNOWN_MAX = 10_000
"""Addresses, and hosts, whose verdicts are kept: a crawl asks for the same few again and again."""

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


class AddressPolicy:
    """Decides on addresses and on host names that are addresses.

    Args:
        allow: networks and addresses that are allowed besides public ones, as ``NETWORK_ALLOW`` has them.
    """

    def __init__(self, allow: str | Iterable[str] = ()) -> None:
        self.allowed: tuple[Network, ...] = tuple(_networks(allow))
        self._verdicts: dict[str, str | None] = {}
        self._hosts: dict[str, str | None] = {}

    def forbids(self, address: str | Address) -> str | None:
        """What makes *address* (a literal, as a socket takes it) forbidden, in words; None where it is allowed."""
        key = str(address)
        if key not in self._verdicts:
            if len(self._verdicts) > _KNOWN_MAX:
                self._verdicts.clear()
            self._verdicts[key] = self._judge(key)
        return self._verdicts[key]

    def forbids_host(self, host: str) -> str | None:
        """What makes *host*, as a URL has it, forbidden before any lookup; None for names that must be looked up."""
        if host not in self._hosts:
            if len(self._hosts) > _KNOWN_MAX:
                self._hosts.clear()
            self._hosts[host] = self._judge_host(host)
        return self._hosts[host]

    def _judge_host(self, host: str) -> str | None:
        address = literal(host)
        if address is not None:
            return self.forbids(address)
        name = host.strip("[]").rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return None if self._allows_loopback() else "loopback by name"
        return None

    def _judge(self, text: str) -> str | None:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return "not an address"
        if self._allows(address):
            return None
        if isinstance(address, IPv4Address):
            return _forbidden4(address)
        return self._judge6(address)

    def _judge6(self, address: IPv6Address) -> str | None:
        inner = _embedded(address)
        if inner is not None:
            if self._allows(inner):
                return None
            reason = _forbidden4(inner)
            if reason is not None:
                return f"{reason}, as {inner} inside an IPv6 address"
        for network, what in _FORBIDDEN6:
            if address in network:
                return what
        if address in _GLOBAL6 or inner is not None:
            return None
        return "outside the global unicast range"

    def _allows(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.allowed)

    def _allows_loopback(self) -> bool:
        return self._allows(IPv4Address("127.0.0.1")) or self._allows(IPv6Address("::1"))


def literal(host: str) -> Address | None:
    """The address that *host* is another way to write, or None where it is a name.

    Takes what browsers and ``inet_aton`` take: decimal, octal and hexadecimal parts, one to four of them, a trailing
    dot, brackets, a zone, full-width digits and ideographic full stops, percent-encoding.
    """
    text = _plain(host)
    try:
        return ip_address(text.partition("%")[0]) if ":" in text else IPv4Address(_inet_aton(text))
    except ValueError:
        return None


def _plain(host: str) -> str:
    text = re.sub(r"%([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), host) if ":" not in host else host
    text = unicodedata.normalize("NFKC", text).replace("\u3002", ".").replace("\uff61", ".")
    return text.strip().strip("[]").rstrip(".").lower()


def _inet_aton(text: str) -> int:
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError(text)
    *first, last = [_number(part) for part in parts]
    if any(part > 255 for part in first) or last >= 256 ** (5 - len(parts)):
        raise ValueError(text)
    return sum(part << 8 * (3 - place) for place, part in enumerate(first)) + last


def _number(part: str) -> int:
    lower = part.lower()
    if lower.startswith("0x"):
        return int(lower[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") and len(part) > 1 else int(part)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that *address* leads to through a translation or a tunnel."""
    number = int(address)
    if address in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    low = IPv4Address(number & 0xFFFFFFFF)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64, _NAT64_LOCAL)):
        return low
    if address in _COMPATIBLE and number > 0xFFFF:
        return low
    return low if number >> 32 & 0xFFFFFFFF in _ISATAP else None


def _forbidden4(address: IPv4Address) -> str | None:
    return next((what for network, what in _FORBIDDEN4 if address in network), None)


def _networks(allow: str | Iterable[str]) -> Iterable[Network]:
    items = allow.split(",") if isinstance(allow, str) else allow
    for item in items:
        text = str(item).strip()
        if not text:
            continue
        try:
            yield ip_network(text, strict=False)
        except ValueError as exc:
            raise ConfigurationError(
                f"NETWORK_ALLOW: expected networks or addresses apart by commas, such as 127.0.0.0/8,::1, "
                f"got {text!r} ({exc}). Names cannot stand here: write the address."
            ) from exc
