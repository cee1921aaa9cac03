"""The address policy: every way to write a forbidden address is refused, and nothing else."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.errors import ConfigurationError
from crawlers.network import AddressPolicy, literal
from tests.addresses import FORBIDDEN, LOOPBACK, ORDINARY

PUBLIC_ONLY = AddressPolicy()


def test_there_are_enough_cases() -> None:
    assert len(set(FORBIDDEN)) >= 60
    assert len(set(ORDINARY)) >= 200


@pytest.mark.parametrize("host", FORBIDDEN)
def test_a_forbidden_address_is_refused_in_each_of_its_forms(host: str) -> None:
    assert PUBLIC_ONLY.forbids_host(host)


@pytest.mark.parametrize("host", ORDINARY)
def test_an_ordinary_host_is_not_refused(host: str) -> None:
    assert PUBLIC_ONLY.forbids_host(host) is None


def test_the_reason_says_what_the_address_is() -> None:
    assert "metadata" in str(PUBLIC_ONLY.forbids("169.254.169.254"))
    assert "loopback" in str(PUBLIC_ONLY.forbids("::ffff:127.0.0.1"))
    assert "127.0.0.1 inside an IPv6 address" in str(PUBLIC_ONLY.forbids("2002:7f00:1::"))
    assert PUBLIC_ONLY.forbids("not-an-address") == "not an address"


@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8", "localhost"),
        ("127.0.0.0/8", "2130706433"),
        ("127.0.0.0/8", "[::ffff:127.0.0.1]"),
        ("::1", "[::1]"),
        ("::1", "localhost"),
        (" 10.1.2.3 , 192.168.0.0/16,", "192.168.7.7"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.0.0.1/8", "10.9.9.9"),
        ("fd00::/8", "[fd12::1]"),
    ],
)
def test_allowed_networks_are_allowed(allow: str, host: str) -> None:
    assert AddressPolicy(allow).forbids_host(host) is None


@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ("127.0.0.0/8", "[::1]"),
        ("127.0.0.0/8", "10.0.0.1"),
        ("10.1.2.3", "10.1.2.4"),
        ("10.0.0.0/8", "localhost"),
        ("::1", "127.0.0.1"),
    ],
)
def test_what_is_not_in_an_allowed_network_stays_forbidden(allow: str, host: str) -> None:
    assert AddressPolicy(allow).forbids_host(host)


def test_networks_come_as_a_list_too() -> None:
    assert AddressPolicy(["127.0.0.1", "10.0.0.0/8"]).forbids("10.1.1.1") is None


@pytest.mark.parametrize("wrong", ["localhost", "10.0.0.0/40", "10.0.0", "http://10.0.0.1", "::/200"])
def test_a_wrong_network_is_a_clear_error(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"NETWORK_ALLOW: expected .* got") as caught:
        AddressPolicy(f"127.0.0.1,{wrong}")
    assert wrong in str(caught.value)


@given(st.integers(0, 2**32 - 1))
def test_every_form_of_an_ipv4_address_reads_as_that_address(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    a, b, c, d = address.packed
    forms = [str(address), str(number), hex(number), f"0{number:o}", f"{a}.{number & 0xFFFFFF}"]
    forms += [
        f"{a}.{b}.{number & 0xFFFF}",
        ".".join(map(hex, address.packed)),
        f"0{a:o}.0{b:o}.{c}.{d}.",
        f"%3{a % 10}",
    ]
    assert {literal(form) for form in forms[:-1]} == {address}


@given(st.integers(0, 2**32 - 1))
def test_our_reading_of_a_number_is_the_c_library_s(number: int) -> None:
    text = f"{number >> 24:#x}.{number & 0xFFFFFF}"
    assert literal(text) == ipaddress.IPv4Address(socket.inet_aton(text))


@given(st.ip_addresses(v=6), st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(prefix: ipaddress.IPv6Address, inner: object) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{inner}")
    assert bool(PUBLIC_ONLY.forbids(mapped)) == bool(PUBLIC_ONLY.forbids(str(inner)))


@given(st.ip_addresses())
def test_what_python_calls_not_global_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert PUBLIC_ONLY.forbids(address) or "192.0.0." in str(address)


@given(st.text(max_size=40))
def test_no_text_breaks_the_policy(text: str) -> None:
    verdict = PUBLIC_ONLY.forbids_host(text)
    assert verdict is None or isinstance(verdict, str)


def test_verdicts_are_kept_for_a_bounded_number_of_addresses() -> None:
    policy = AddressPolicy()
    for number in range(10_500):
        policy.forbids(str(ipaddress.IPv4Address(0x08000000 + number)))
    assert len(policy._verdicts) <= 10_001


def test_verdicts_on_hosts_are_kept_for_a_bounded_number_of_them() -> None:
    policy = AddressPolicy()
    for number in range(10_500):
        assert policy.forbids_host(f"host{number}.example") is None
        assert policy.forbids_host("0x7f.1") == "loopback"
    assert len(policy._hosts) <= 10_001


def test_loopback_forms_are_all_loopback_or_this_host() -> None:
    allowed = AddressPolicy("127.0.0.0/8,::1,::/128,0.0.0.0/8,fe80::/10,2001::/32")
    assert [host for host in LOOPBACK if allowed.forbids_host(host)] == []
