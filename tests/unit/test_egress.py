"""What the SSRF guard takes for an address of somebody else."""

import pytest

from drippulse.kit.http import is_public, static_problem

NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::169.254.169.254 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1::8080 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::
3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 febf::1 fec0::1 ff02::1
"""
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2001:4860:4860::8888"]

REFUSED = """
https://127.0.0.1 https://127.1 https://127.0.1 https://2130706433 https://0x7f000001 https://0x7f.1 https://0177.0.0.1
https://017700000001 https://127.0.0.1. https://0 https://0.0.0.0 https://127。0。0。1 https://①②⑦.⓪.⓪.①
https://%31%32%37.0.0.1 https://localhost https://LOCALHOST. https://a.localhost https://10.0.0.1:8443
https://169.254.169.254/latest/meta-data https://0xa9fea9fe https://2852039166 https://[::1] https://[::]
https://[0:0:0:0:0:ffff:7f00:1] https://[::ffff:127.0.0.1] https://[64:ff9b::127.0.0.1] https://[fe80::1%25eth0]
https://[fd00:ec2::254] https://[fec0::1] HTTPS://127.0.0.1 https://user:password@example.com https://user@example.com
https://example.com@127.0.0.1 https://127.0.0.1%2f@example.com https://example.com\\@127.0.0.1 https://example.com%00.org
https://example.com:0 https://example.com:-1 https://example.com:65536 https://example.com:x http://example.com
http://127.0.0.1 http://localhost:80 ftp://example.com file:///etc/passwd gopher://127.0.0.1 //example.com example.com
https:example.com https:/example.com https:///path https://[::1 javascript:alert(1) unix:///var/run/docker.sock
"""
ACCEPTED = [
    "https://example.com",
    "https://example.com:8443/hook?a=b#c",
    "https://EXAMPLE.com./",
    "https://bücher.example/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://my_host.example.com/",
]


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_private_reserved_and_metadata_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_third_parties_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url", [*REFUSED.split(), "", "https://exa mple.com", "https://example.com\n.evil.org", "https://\ud800"]
)
def test_urls_that_are_never_called(url: str) -> None:
    problem = static_problem(url)
    assert problem is not None
    assert "password" not in problem


@pytest.mark.parametrize("url", ACCEPTED)
def test_urls_that_may_be_called(url: str) -> None:
    assert static_problem(url) is None


def test_a_long_url_is_not_quoted_in_full() -> None:
    for url in ("https://" + "1" * 70_000, "https://example.com:" + "9" * 70_000, "https://[" + "a" * 70_000):
        assert len(static_problem(url) or "") < 300


@pytest.mark.parametrize("development", [True, False])
def test_loopback_is_called_only_where_it_is_allowed(development: bool) -> None:
    allow = frozenset({"127.0.0.1:8025"})
    assert static_problem("http://127.0.0.1:8025/x", allow, development=development) is None
    assert static_problem("http://127.0.0.1:8026/x", allow, development=development) is not None
    assert static_problem("https://127.0.0.1/x", allow, development=development) is not None
