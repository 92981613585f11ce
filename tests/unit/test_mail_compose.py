"""What goes over SMTP, read back with the standard library's parser."""

import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.messaging import mime
from drippulse.messaging.compose import as_text, compose, tracked_urls
from drippulse.messaging.html_links import links_in, replace_links
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.settings import Settings
from drippulse.workflows.steps.base import OutgoingMail

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
REF = MailRef(1, 2, 3)
LINKS = TrackingLinks(Settings.model_validate({"secret_key": "x" * 32, "public_url": "https://drip.example/"}))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3000)


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def plain_lines(text: str) -> list[str]:
    return [line.rstrip() for line in mime.LINE_BREAKS.split(text)]


def outgoing(**changes: object) -> OutgoingMail:
    values: dict[str, object] = {
        "to": "ada@example.com",
        "subject": "Hi",
        "text": "Hello",
        "html": None,
        "sender": None,
        "reply_to": None,
        "track_opens": True,
        "track_clicks": True,
    }
    return OutgoingMail(**{**values, **changes})  # pyright: ignore[reportArgumentType] - the values above have the types


def composed(**changes: object) -> EmailMessage:
    mail = outgoing(**changes)
    return read(compose(mail, REF, LINKS, tracked_urls(mail), "Drip <drip@example.com>", NOW).content)


@given(TEXT, TEXT)
def test_both_parts_are_read_back_as_they_were_written(text: str, html: str) -> None:
    parsed = read(mime.message([mime.header("Subject", "x")], text, html))
    plain, markup = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert markup is not None
    assert plain_lines(_content(plain)) == plain_lines(text)
    assert plain_lines(_content(markup)) == plain_lines(html)


def _content(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@given(TEXT)
def test_a_subject_is_read_back_and_never_adds_a_header(subject: str) -> None:
    parsed = read(mime.message([mime.header("Subject", subject)], "x", None))
    assert set(parsed.keys()) == {"Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert "".join(str(parsed["Subject"]).split()) == "".join(mime.UNSAFE.sub(" ", subject).split())


@given(TEXT, TEXT)
def test_no_line_is_longer_than_the_standard_allows(text: str, html: str) -> None:
    content = mime.message([mime.header("Subject", text)], text, html)
    assert all(len(line) <= mime.MAX_LINE for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_the_headers_of_one_click_unsubscribe_are_there() -> None:
    parsed = composed()
    assert parsed["List-Unsubscribe"].startswith("<https://drip.example/track/n/unsubscribe?t=")
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Unsubscribe: https://drip.example/track/n/unsubscribe?t=" in parsed.get_content()


def test_links_are_tracked_only_in_anchors_and_only_http() -> None:
    markup = '<a href="https://a.org/?x=1&amp;y=2">a</a><a href=\'mailto:b@c.d\'>m</a><img src="https://i.org/i.png">'
    assert links_in(markup) == ("https://a.org/?x=1&y=2",)
    assert "mailto:b@c.d" in replace_links(markup, lambda url: "https://t/" if url.startswith("http") else None)
    body = composed(html=markup).get_body(("html",))
    assert body is not None
    assert "/track/n/click?t=" in body.get_content()
    assert 'src="https://i.org/i.png"' in body.get_content()


def test_tracking_can_be_switched_off() -> None:
    body = composed(html='<a href="https://a.org/">a</a>', track_opens=False, track_clicks=False).get_body(("html",))
    assert body is not None
    assert "pixel.gif" not in body.get_content()
    assert 'href="https://a.org/"' in body.get_content()


def test_html_alone_gets_a_readable_text_part() -> None:
    assert as_text("<h1>Hi</h1><p>a &amp; b<br>c</p><style>x{}</style>") == "Hi\na & b\nc"


@pytest.mark.parametrize("address", ["", "nobody", "a b@c.d", "a@b\r\nBcc: x@y.z"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        composed(to=address)


def test_international_addresses_keep_their_local_part_and_get_an_ascii_domain() -> None:
    mail = outgoing(to="zoë@bücher.example")
    result = compose(mail, REF, LINKS, (), "Drip <drip@example.com>", NOW)
    assert (result.recipient, result.utf8) == ("zoë@xn--bcher-kva.example", True)
    assert "zoë@xn--bcher-kva.example".encode() in result.content


def test_display_names_survive() -> None:
    assert composed(sender='"Zoë, of Drip" <z@example.com>')["From"].addresses[0].display_name == "Zoë, of Drip"


@pytest.mark.parametrize("piece", ["<", "<a ", "<a href=", '<a href="', "<style ", "<br ", "<p x='", "</body "])
def test_unfinished_markup_takes_no_longer_than_its_length_asks_for(piece: str) -> None:
    """A worker's event loop reads it: a text that took seconds would cost every organization its leases."""
    markup = piece * (300_000 // len(piece))
    began = time.perf_counter()
    as_text(markup)
    links_in(markup)
    replace_links(markup, lambda _: None)
    assert time.perf_counter() - began < 2
