"""What is an e-mail address, and what may stand in a header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.kit.addresses import normalize_address, one_line, parse_mailbox


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+drip@EXAMPLE.Com ", "Ada.Lovelace+drip@example.com"),
        ("o'brien@example.co.uk", "o'brien@example.co.uk"),
        ("josé@example.com", "josé@example.com"),
        ("用户@例え.jp", "用户@例え.jp"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@example.com.", "ada@example.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_addresses(text: str, normalized: str) -> None:
    assert normalize_address(text) == normalized


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@@example.com",
        "ada@exa mple.com",
        "a da@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada@-example.com",
        "ada@example..com",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        '"ada lovelace"@example.com',
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + ".".join(["a" * 60] * 5) + ".com",
        "ada\x00@example.com",
        "\ud800@example.com",
    ],
)
def test_no_addresses(text: str) -> None:
    assert normalize_address(text) is None


@given(st.text(max_size=80))
def test_any_text_is_judged_and_judged_alike_twice(text: str) -> None:
    for candidate in (text, f"{text}@example.com", f"ada@{text}", f"ada@{text}.com", f"{text} <ada@{text}>"):
        address = normalize_address(candidate)
        assert address is None or normalize_address(address) == address
        mailbox = parse_mailbox(candidate)
        assert mailbox is None or "\n" not in str(mailbox)


def test_mailboxes_have_a_name_and_survive_being_written() -> None:
    mailbox = parse_mailbox('"Souza, Ana" <ana@Example.com>')
    assert mailbox is not None
    assert (mailbox.name, mailbox.address) == ("Souza, Ana", "ana@example.com")
    assert str(mailbox) == '"Souza, Ana" <ana@example.com>'
    assert str(parse_mailbox("Zoë <zoe@example.com>")) == '"Zoë" <zoe@example.com>'
    assert str(parse_mailbox("ana@example.com")) == "ana@example.com"


def test_a_header_stays_on_one_line() -> None:
    assert one_line(" Hi\r\nBcc: eve@example.com\x00\u2028x ") == "Hi Bcc: eve@example.com x"
