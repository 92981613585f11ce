"""The unsubscribe pages."""

import html

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem;cursor:pointer}}</style></head>
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
