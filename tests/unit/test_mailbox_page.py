"""What the mailbox shows of a mail, and that nothing in a mail can break out of the page."""

from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from drippulse_server.mailbox.message import Mail, MailSummary, mail_json, read_mail
from drippulse_server.mailbox.page import list_page, mail_page
from drippulse_server.mailbox.store import subject_of

RECEIVED = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"


class _Tags(HTMLParser):
    """The start tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    return parser.found


def summary(subject: str = "Hello", to: tuple[str, ...] = ("ada@example.com",)) -> MailSummary:
    return MailSummary(7, RECEIVED, "drip@example.com", to, subject)


def mail(subject: str = "Hello", text: str = "Hi", html: str | None = "<p>Hi</p>") -> Mail:
    message = EmailMessage()
    message["From"] = "Zoë <zoe@example.com>"
    message["To"] = "ada@example.com"
    message["Subject"] = subject
    message["List-Unsubscribe"] = "<http://127.0.0.1:8000/u/1>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return read_mail(summary(subject), message.as_bytes())


def test_json_has_the_documented_shape() -> None:
    told = mail_json(mail(subject="Grüße", text="Hallo Zoë\n", html="<p>Hallo</p>\n"))
    headers = told.pop("headers")
    assert told == {
        "id": 7,
        "received_at": "2026-03-04T05:06:07.890Z",
        "from": "Zoë <zoe@example.com>",
        "to": ["ada@example.com"],
        "subject": "Grüße",
        "text": "Hallo Zoë\n",
        "html": "<p>Hallo</p>\n",
        "attachments": [],
    }
    assert headers["Subject"] == "Grüße"
    assert headers["List-Unsubscribe"] == "<http://127.0.0.1:8000/u/1>"


def test_a_mail_without_html_has_none() -> None:
    told = mail_json(mail(html=None))
    assert told["html"] is None
    assert "<iframe" not in mail_page(mail(html=None))


def test_repeated_headers_are_joined() -> None:
    told = mail_json(read_mail(summary(), b"Received: one\r\nReceived: two\r\n\r\nbody"))
    assert told["headers"]["Received"] == "one, two"


def test_unknown_charsets_and_broken_encodings_still_show() -> None:
    told = read_mail(summary(), b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla\xff")
    assert told.text is not None
    assert told.text.startswith("qapla")
    broken = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64"
    assert read_mail(summary(), broken).html is not None


def test_attachments_are_named() -> None:
    message = EmailMessage()
    message.set_content("see attached")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="invoice.pdf")
    assert read_mail(summary(), message.as_bytes()).attachments == ("invoice.pdf",)


@given(st.binary(max_size=400))
def test_no_bytes_make_reading_fail(content: bytes) -> None:
    read = read_mail(summary(), content)
    mail_json(read)
    mail_page(read)
    subject_of(content).encode()


def test_nothing_in_a_mail_breaks_out_of_the_page() -> None:
    content = (
        f"From: {EVIL}\r\nX-Evil: {EVIL}\r\nContent-Type: text/plain\r\n\r\n{EVIL} http://x.example/{EVIL}".encode()
    )
    shown = mail_page(read_mail(summary(EVIL, (EVIL,)), content))
    assert not {tag for tag, _ in tags(shown)} & {"script", "img"}
    assert all(not name.startswith("on") for _, attributes in tags(shown) for name in attributes)
    listed = list_page([summary(EVIL, (EVIL,))], 1, to=EVIL, subject=EVIL, older=3)
    assert not {tag for tag, _ in tags(listed)} & {"script", "img"}
    assert all(not name.startswith("on") for _, attributes in tags(listed) for name in attributes)


def test_html_lives_in_a_frame_that_runs_no_script_and_opens_links_outside() -> None:
    html = f"<p title='{EVIL}'>hi</p></iframe><script>alert(1)</script>"
    frames = [attributes for tag, attributes in tags(mail_page(mail(html=html))) if tag == "iframe"]
    assert len(frames) == 1
    sandbox = frames[0]["sandbox"] or ""
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert frames[0]["title"]
    inner = frames[0]["srcdoc"] or ""
    assert inner.startswith('<base target="_blank">')
    assert html in inner


def test_addresses_in_text_are_links_without_the_sentence_around_them() -> None:
    shown = mail_page(mail(text="Go to https://example.com/a?b=1&c=2. Or <http://example.com/u>.", html=None))
    links = [attributes["href"] for tag, attributes in tags(shown) if tag == "a"]
    assert "https://example.com/a?b=1&c=2" in links
    assert "http://example.com/u" in links


def test_the_list_counts_links_and_pages() -> None:
    page = list_page([summary()], 1234, to="ada@", subject="", older=7)
    links = [attributes["href"] for tag, attributes in tags(page) if tag == "a"]
    assert "1,234 mails" in page
    assert "/dev/mailbox/7" in links
    assert "/dev/mailbox?to=ada%40&subject=&before=7" in links


def test_an_empty_mailbox_and_an_empty_search_say_so() -> None:
    assert "No mail yet" in list_page([], 0, to="", subject="", older=None)
    assert "No mail matches" in list_page([], 0, to="bob", subject="", older=None)


def test_every_form_field_has_a_label_and_the_page_a_language() -> None:
    page = list_page([], 0, to="", subject="", older=None)
    assert '<html lang="en">' in page
    assert page.count("<label>") == len([tag for tag, _ in tags(page) if tag == "input"])


def test_a_subject_is_decoded_and_storable() -> None:
    assert subject_of(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody") == "Grüße"
    assert subject_of(b"To: a@example.com\r\nsubject: plain,\r\n and folded\r\nX: y\r\n\r\nbody") == "plain, and folded"
    assert subject_of(b"To: a@example.com\r\n\r\nSubject: not a header") == ""
    assert "\x00" not in subject_of(b"Subject: a\x00b\r\n\r\n")
