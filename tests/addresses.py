"""Ways to write addresses that must not be connected to, and names and addresses that must not be refused."""

from __future__ import annotations

LOOPBACK = (
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001",
    "0x7F.1", "0177.0.0.1", "0x7f.0x0.0x0.0x1", "0177.0x0.1", "00000177.0.0.1", "127.0.0.01", "0.0.0.0", "0", "0x0",
    "localhost", "LOCALHOST", "localhost.", "foo.localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
    "[2002:7f00:1::]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2606:4700::5efe:127.0.0.1]", "[2606:4700::200:5efe:7f00:1]", "[fe80::1%25lo]",
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "\u2460\u2461\u2466.0.0.1",
)  # fmt: skip
"""Forms that lead to this machine, as the host of a URL."""

OTHER = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.1.254", "3232235777",
    "0xc0a80101", "0300.0250.1.1", "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200",
    "192.0.0.192", "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "[fe80::1]",
    "[fec0::1]", "[fc00::1]", "[fdff:ffff::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]",
    "[2002:a9fe:a9fe::]", "[2002:c0a8:101::1]", "[64:ff9b::a9fe:a9fe]", "[2001:10::1]", "[4000::1]",
)  # fmt: skip
"""Forms that lead to private, metadata, shared, reserved and other special addresses."""

FORBIDDEN = LOOPBACK + OTHER

_TEXT = """example.com www.example.org python.org docs.python.org pypi.org scrapy.org github.com en.wikipedia.org
bbc.co.uk spiegel.de lemonde.fr elpais.com corriere.it asahi.com nos.nl svt.se yle.fi dr.dk nrk.no rtbf.be orf.at srf.ch
seznam.cz onet.pl index.hu digi24.ro bgdnes.bg ert.gr haberturk.com globo.com clarin.com emol.com eltiempo.com
abc.net.au stuff.co.nz cbc.ca nytimes.com 10.example.com 127.example.com 1.1.1.1.example.com 192-168-1-1.example.com
localhost.example.com local.example.com localhoster.com mylocalhost.com internal.io 0x7f.com 7f000001.com 017.org
xn--mnchen-3ya.de m\u00fcnchen.de \u0440\u0444.\u0440\u0444 \u4f8b\u3048.jp caf\u00e9.fr s3.amazonaws.com
metadata.example.com metadata.google.com a.b.c.d.e.f.example.net x.co t.co 1and1.com 9gag.com 4chan.org 360.cn 163.com
126.com 58.com 0.pool.ntp.org 1password.com 3m.com 7-eleven.com 8x8.com 2600.com 99designs.com 500px.com 23andme.com
quotes.toscrape.com books.toscrape.com host-10-0-0-1.isp.net ip-172-31-0-1.example.com fe80.example.com fc00.net
ffff.org dead.beef.net face.book.com cafe.dead.com example.com. WWW.EXAMPLE.COM ex-ample.com e_x.example.com"""
_NAMES = _TEXT.split()

_ADDRESSES = (
    "1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "151.101.1.69", "140.82.112.3", "11.0.0.1", "9.255.255.255",
    "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "100.63.255.255", "100.128.0.1", "169.253.255.255",
    "169.255.0.1", "126.255.255.255", "128.0.0.1", "198.17.255.255", "198.20.0.1", "192.0.1.1", "192.0.3.1",
    "198.51.99.255", "203.0.112.255", "203.0.114.1", "223.255.255.255", "168.63.129.15", "168.63.129.17", "192.88.98.1",
    "16843009", "0x08080808", "010.010.010.010", "[2606:4700:4700::1111]", "[2001:4860:4860::8888]", "[2a00:1450::1]",
    "[2620:fe::fe]", "[2400:cb00::1]", "[2001:200::1]", "[2001:470::1]", "[2a03:2880::1]", "[2c0f:fb50::1]",
    "[2003::1]", "[2600::1]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "[2002:808:808::1]",
)  # fmt: skip

ORDINARY = (*_NAMES, *_ADDRESSES, *(f"host{n}.example.com" for n in range(70)))
"""Hosts that must never be refused."""
