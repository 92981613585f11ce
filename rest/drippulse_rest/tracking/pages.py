"""The unsubscribe pages."""

import html

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><link rel="icon" href="data:,"><title>{title}</title>
<style>
:root{{color-scheme:light dark;--line:#d4d7dd;--accent:#0b57d0;--on-accent:#fff;--panel:#fff;--back:#f6f7f9;
  --text:#1c1f24}}
@media(prefers-color-scheme:dark){{:root{{--line:#3a3f4a;--accent:#8ab4f8;--on-accent:#10233f;--panel:#22252b;--back:#17191d;
  --text:#e8eaed}}}}
body{{background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif;margin:0;padding:12vh 1rem 1rem}}
main{{background:var(--panel);border:1px solid var(--line);border-radius:.75rem;margin:auto;max-width:30rem;
  padding:1.5rem 2rem;overflow-wrap:anywhere}}
h1{{font-size:1.5rem;margin:0}}
button{{background:var(--accent);border:0;border-radius:.4rem;color:var(--on-accent);cursor:pointer;font:inherit;font-weight:600;
  padding:.6rem 1.2rem}}
button:focus-visible{{outline:3px solid var(--accent);outline-offset:2px}}
</style></head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""


def confirm_page(email: str, action: str) -> str:
    """Asks; the form's POST is what unsubscribes."""
    body = (
        f"<p>No more mails to <strong>{html.escape(email)}</strong> from this sender?</p>"
        f'<form method="post" action="{html.escape(action)}"><button type="submit">Unsubscribe</button></form>'
    )
    return PAGE.format(title="Unsubscribe", body=body)


def done_page(email: str) -> str:
    body = f"<p><strong>{html.escape(email)}</strong> gets no more mails from this sender.</p>"
    return PAGE.format(title="You are unsubscribed", body=body)


def broken_page(message: str) -> str:
    return PAGE.format(title="This link does not work", body=f"<p>{html.escape(message)}</p>")
