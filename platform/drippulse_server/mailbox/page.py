"""The HTML of /dev/mailbox. What came in a mail is escaped; its HTML part only lives in a sandboxed frame."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlencode

from drippulse_server.mailbox.message import Mail, MailSummary, timestamp

HOME = "/dev/mailbox"
# The frame inherits it (srcdoc): no script runs, images and styles of the mail show as in a mail program.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data: cid:; font-src http: https: data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
COLUMNS = ("Received", "From", "To", "Subject")
OTHER_PAGES = (
    '<nav aria-label="Other pages"><a href="/docs/api">REST reference</a> <a href="/graphql">GraphQL</a></nav>'
)
LINK = re.compile(r"https?://[^\s<>\"']+")
STYLE = """
:root { color-scheme: light dark; --line: #d4d7dd; --soft: #5b6270; --accent: #0b57d0; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a3f4a; --soft: #a7aebb; --accent: #8ab4f8; --panel: #22252b; }
  body { background: #17191d; color: #e8eaed; } input, button { background: var(--panel); color: inherit; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
a { color: var(--accent); }
a:focus-visible, input:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
p.soft, time, .soft { color: var(--soft); }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0 1.5rem; }
label { display: grid; gap: .2rem; font-size: .875rem; }
input, button { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
th { font-size: .875rem; color: var(--soft); font-weight: 600; }
.list { table-layout: fixed; }
.list th:nth-child(1) { width: 14.5rem; } .list th:nth-child(2), .list th:nth-child(3) { width: 23%; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.5rem; } nav a + a { margin-left: 1rem; }
@media (max-width: 44rem) {
  .list, .list tbody, .list tr, .list td { display: block; }
  .list thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .list tr { display: flex; flex-direction: column; padding: .75rem 0; border-bottom: 1px solid var(--line); }
  .list td { border: 0; padding: 0; } .list td:nth-child(2) { display: none; } .list td:nth-child(4) { order: -1; }
  .list time { font-size: .875rem; } input { width: 100%; } label { flex: 1 1 9rem; }
}
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0;
  white-space: pre-wrap; overflow-wrap: anywhere; font: .9rem/1.5 ui-monospace, monospace; }
iframe { width: 100%; height: 24rem; border: 1px solid var(--line); border-radius: .5rem; background: #fff;
  color-scheme: light; resize: vertical; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; margin: 1.75rem 0 .5rem; font-weight: 600; }
"""


def list_page(mails: Sequence[MailSummary], total: int, *, to: str, subject: str, older: int | None) -> str:
    """The newest first. `older`: the id to go on from, None on the last page."""
    filters = urlencode({"to": to, "subject": subject})
    more = f'<p><a href="{HOME}?{escape(filters)}&amp;before={older}">Older mails</a></p>' if older else ""
    if mails:
        # The roles stay when a narrow screen lays the table out as blocks, which takes them from the elements.
        titles = "".join(f'<th scope="col" role="columnheader">{title}</th>' for title in COLUMNS)
        head = f'<thead role="rowgroup"><tr role="row">{titles}</tr></thead>'
        rows = "".join(_row(mail) for mail in mails)
        listing = f'<table class="list" role="table">{head}<tbody role="rowgroup">{rows}</tbody></table>{more}'
    elif to or subject:
        listing = f'<p>No mail matches. <a href="{HOME}">Show all</a></p>'
    else:
        listing = "<p>No mail yet. Whatever DripPulse sends on this machine shows up here instead of going out.</p>"
    count = "1 mail" if total == 1 else f"{total:,} mails"
    form = (
        f'<form method="get" action="{HOME}" role="search">'
        f'<label>To <input name="to" type="search" value="{escape(to)}"></label>'
        f'<label>Subject <input name="subject" type="search" value="{escape(subject)}"></label>'
        "<button>Search</button></form>"
    )
    about = f'<p class="soft">{count}, caught on this machine. <a href="{HOME}.json">As JSON</a></p>'
    return _page("Mailbox", f"<header><h1>Mailbox</h1>{OTHER_PAGES}</header>{about}{form}<main>{listing}</main>")


def mail_page(mail: Mail) -> str:
    """One mail with its text, its HTML in a frame, and its headers."""
    subject = mail.summary.subject or "(no subject)"
    facts = [
        ("From", escape(mail.sender)),
        ("To", escape(", ".join(mail.summary.envelope_to))),
        ("Received", _time(mail.summary)),
    ]
    if mail.attachments:
        facts.append(("Attached", escape(", ".join(mail.attachments))))
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    raw = f'<p><a href="{HOME}/{mail.summary.id}/raw">The message as it came</a></p>'
    body = (
        f'<nav><a href="{HOME}">All mails</a></nav><main><h1>{escape(subject)}</h1><dl>{listed}</dl>'
        f"{_html_part(mail.html)}{_text_part(mail.text)}{_headers(mail.headers)}{raw}</main>"
    )
    return _page(f"{subject} - Mailbox", body)


def _row(mail: MailSummary) -> str:
    subject = f'<a href="{HOME}/{mail.id}">{escape(mail.subject or "(no subject)")}</a>'
    values = (_time(mail), escape(mail.envelope_from), escape(", ".join(mail.envelope_to)), subject)
    return '<tr role="row">' + "".join(f'<td role="cell">{value}</td>' for value in values) + "</tr>"


def _time(mail: MailSummary) -> str:
    exact = timestamp(mail.received_at)
    return f'<time datetime="{exact}">{exact[:19].replace("T", " ")} UTC</time>'


def _html_part(html: str | None) -> str:
    if html is None:
        return ""
    inner = escape(f'<base target="_blank">{html}')
    return (
        '<h2>HTML</h2><iframe title="The HTML part of this mail" referrerpolicy="no-referrer" '
        f'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{inner}"></iframe>'
    )


def _text_part(text: str | None) -> str:
    return "" if text is None else f"<h2>Text</h2><pre>{_linked(text)}</pre>"


def _linked(text: str) -> str:
    """Escaped, with http and https addresses as links."""
    parts: list[str] = []
    end = 0
    for match in LINK.finditer(text):
        address = match.group().rstrip(".,;:!?)]")
        stop = match.start() + len(address)
        shown = escape(address)
        parts += [escape(text[end : match.start()]), f'<a href="{shown}" rel="noreferrer" target="_blank">{shown}</a>']
        end = stop
    return "".join([*parts, escape(text[end:])])


def _headers(headers: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in headers)
    return f"<details><summary>Headers</summary><table>{rows}</table></details>"


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )
