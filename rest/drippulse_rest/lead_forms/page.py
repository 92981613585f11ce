"""The pages of a lead form: HTML without scripts and without anything from elsewhere. Pure."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

from drippulse.lead_forms.schemas import FormField
from drippulse.lead_forms.state import CONSENT, HONEYPOT, STAMP
from drippulse.lead_forms.submitting import OpenForm
from drippulse.lead_forms.tables import InputType

ACCENT: Final = "#0b57d0"
AUTOCOMPLETE: Final = {
    "email": "email",
    "first_name": "given-name",
    "last_name": "family-name",
    "company": "organization",
    "title": "organization-title",
    "phone": "tel",
    "website": "url",
    "street": "street-address",
    "city": "address-level2",
    "state": "address-level1",
    "postal_code": "postal-code",
    "country": "country-name",
}
STYLE: Final = """:root{--accent:%s;--on-accent:%s;--text:#1c1f24;--soft:#545b67;--line:#7a828f;--bad:#b3261e;
--back:#f4f5f8;--panel:#fff}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
padding:6vh 1rem 3rem}
main{background:var(--panel);border:1px solid #dfe2e8;border-top:5px solid var(--accent);border-radius:12px;
box-shadow:0 8px 30px rgba(20,30,60,.07);margin:auto;max-width:34rem;padding:2rem;overflow-wrap:anywhere}
.who{color:var(--soft);font-size:.875rem;font-weight:600;letter-spacing:.02em;margin:0 0 .25rem}
h1{font-size:1.65rem;letter-spacing:-.01em;line-height:1.25;margin:0}
.lead{color:var(--soft);margin:.5rem 0 0;white-space:pre-line}
form{margin-top:1.5rem}
.field{margin:0 0 1.15rem}
label{display:block;font-weight:600;margin-bottom:.3rem}
.mark{color:var(--soft);font-weight:400}
input,textarea,select{background:#fff;border:1px solid var(--line);border-radius:8px;color:inherit;display:block;
font:inherit;min-height:2.75rem;padding:.55rem .75rem;width:100%%}
textarea{min-height:7.5rem;resize:vertical}
::placeholder{color:#697180;opacity:1}
:focus-visible{outline:3px solid var(--text);outline-offset:2px}
.help{color:var(--soft);font-size:.875rem;margin:.3rem 0 0}
.bad{color:var(--bad);font-size:.9rem;font-weight:600;margin:.3rem 0 0}
[aria-invalid=true]{border:2px solid var(--bad)}
.notice{background:#fdecea;border-left:4px solid var(--bad);border-radius:8px;margin:0 0 1.25rem;padding:.75rem 1rem}
.notice p{font-weight:600;margin:0}
.notice ul{margin:.35rem 0 0;padding-left:1.2rem}
.notice a{color:var(--bad)}
.check{align-items:flex-start;display:flex;gap:.65rem}
.check label{font-weight:400;margin:0}
.check input{accent-color:var(--accent);flex:none;height:1.25rem;margin:.15rem 0 0;min-height:0;width:1.25rem}
button{background:var(--accent);border:1px solid rgba(0,0,0,.25);border-radius:8px;color:var(--on-accent);
cursor:pointer;font:inherit;font-weight:600;min-height:3rem;padding:.7rem 1.5rem;width:100%%}
button:hover{filter:brightness(.93)}
.away{height:1px;left:-100vw;overflow:hidden;position:absolute;width:1px}
@media(max-width:30rem){body{padding:0 0 2rem;background:var(--panel)}main{border-width:5px 0 0;border-radius:0;
box-shadow:none;padding:1.5rem 1.1rem}}
"""
PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><link rel="icon" href="data:,"><title>{title}</title>
<style>{style}</style></head>
<body><main>{body}</main></body></html>"""


def form_page(
    form: OpenForm, action: str, stamp: str, given: Mapping[str, Any], errors: Mapping[str, Sequence[str]]
) -> str:
    """The form, with what was filled in before and what is wrong with it."""
    fields = "".join(
        _field(field, str(given.get(field.name) or ""), errors.get(field.name, ())) for field in form.fields
    )
    # No cookie says who sends it, so another site that posts here gains nothing: there is no token against forgery.
    body = f"""{_head(form)}<form method="post" action="{escape(action)}" novalidate>{_notice(form, errors)}{fields}
{_consent(form, bool(given.get(CONSENT)), errors.get(CONSENT, ()))}
<div class="away" aria-hidden="true"><label for="{HONEYPOT}">Leave this empty</label>
<input id="{HONEYPOT}" name="{HONEYPOT}" tabindex="-1" autocomplete="off"></div>
<input type="hidden" name="{STAMP}" value="{escape(stamp)}">
<button type="submit">{escape(form.row["submit_label"])}</button></form>"""
    title = f"{'Error: ' if errors else ''}{form.row['title']}"
    return _page(title, body, form)


def thanks_page(form: OpenForm) -> str:
    message = escape(form.row["success_message"])
    body = f'<p class="who">{escape(form.sender)}</p><h1>Sent</h1><p class="lead" role="status">{message}</p>'
    return _page(form.row["title"], body, form)


def message_page(title: str, message: str) -> str:
    """For forms that are not there or take nothing."""
    return _page(title, f'<h1>{escape(title)}</h1><p class="lead">{escape(message)}</p>', None)


def content_security_policy(form: OpenForm | None, page: str, *, embedded: bool) -> str:
    """Nothing but the page's own style; it posts here, and goes on where the definition says."""
    style = page.split("<style>", 1)[1].split("</style>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    redirect: str | None = form.row["redirect_url"] if form else None
    # Browsers hold the redirect after a form against form-action too.
    onward = f" https://{urlsplit(redirect).netloc}" if redirect else ""
    ancestors = " ".join(form.row["frame_ancestors"]) if form and embedded else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'{onward}; base-uri 'none'; "
        f"frame-ancestors {ancestors or chr(39) + 'none' + chr(39)}"
    )


def _page(title: str, body: str, form: OpenForm | None) -> str:
    accent = str((form.branding.get("color") if form else None) or ACCENT)
    return PAGE.format(title=escape(title), style=STYLE % (accent, on_colour(accent)), body=body)


def on_colour(accent: str) -> str:
    """Black or white, whichever is easier to read on a colour such as #1a73e8 (WCAG's contrast)."""
    digits = accent.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#fff"


def _head(form: OpenForm) -> str:
    description = form.row["description"]
    below = f'<p class="lead">{escape(description)}</p>' if description else ""
    return f'<p class="who">{escape(form.sender)}</p><h1>{escape(form.row["title"])}</h1>{below}'


def _notice(form: OpenForm, errors: Mapping[str, Sequence[str]]) -> str:
    """All that is wrong, above the fields, with links to them."""
    if not errors:
        return ""
    labels = {**{field.name: field.label for field in form.fields}, CONSENT: "Consent"}
    whole = "".join(f"<p>{escape(sentence)}</p>" for sentence in errors.get("form", ()))
    links = "".join(
        f'<li><a href="#{_id(name)}">{escape(labels.get(name, name))}</a>: {escape(sentences[0])}</li>'
        for name, sentences in errors.items()
        if name != "form"
    )
    told = f"<p>Please check what you entered.</p><ul>{links}</ul>" if links else ""
    return f'<div class="notice" role="alert" tabindex="-1" autofocus>{whole}{told}</div>'


def _id(name: str) -> str:
    return "f-" + name.replace(".", "-").lstrip("_")


def _field(field: FormField, value: str, errors: Sequence[str]) -> str:
    own = escape(_id(field.name))
    described = [f"{own}-{part}" for part, there in (("help", field.help), ("bad", errors)) if there]
    attributes = f' id="{own}" name="{escape(field.name)}"'
    attributes += " required" if field.required else ""
    attributes += f' aria-describedby="{" ".join(described)}"' if described else ""
    attributes += ' aria-invalid="true"' if errors else ""
    attributes += f' autocomplete="{AUTOCOMPLETE[field.name]}"' if field.name in AUTOCOMPLETE else ""
    notes = f'<p class="help" id="{own}-help">{escape(field.help)}</p>' if field.help else ""
    notes += f'<p class="bad" id="{own}-bad">{escape(errors[0])}</p>' if errors else ""
    mark = "" if field.required else ' <span class="mark">(optional)</span>'
    label = f'<label for="{own}">{escape(field.label)}{mark}</label>'
    if field.type is InputType.CHECKBOX:
        checked = " checked" if value == "true" else ""
        box = f'<input type="checkbox" value="true"{attributes}{checked}>'
        return f'<div class="field"><div class="check">{box}{label}</div>{notes}</div>'
    return f'<div class="field">{label}{_control(field, value, attributes)}{notes}</div>'


def _control(field: FormField, value: str, attributes: str) -> str:
    hint = f' placeholder="{escape(field.placeholder)}"' if field.placeholder else ""
    if field.type is InputType.TEXTAREA:
        return f"<textarea{attributes}{hint}>\n{escape(value)}</textarea>"
    if field.type is InputType.SELECT:
        empty = f'<option value="">{escape(field.placeholder or "Please choose")}</option>'
        options = "".join(
            f'<option value="{escape(option)}"{" selected" if option == value else ""}>{escape(option)}</option>'
            for option in field.options
        )
        return f"<select{attributes}>{empty}{options}</select>"
    step = ' step="any"' if field.type is InputType.NUMBER else ""
    return f'<input type="{field.type.value}" value="{escape(value)}"{attributes}{hint}{step}>'


def _consent(form: OpenForm, checked: bool, errors: Sequence[str]) -> str:
    if not form.row["consent_text"]:
        return ""
    own = _id(CONSENT)
    more = f' aria-describedby="{own}-bad" aria-invalid="true"' if errors else ""
    more += " checked" if checked else ""
    box = f'<input type="checkbox" id="{own}" name="{CONSENT}" value="true" required{more}>'
    note = f'<p class="bad" id="{own}-bad">{escape(errors[0])}</p>' if errors else ""
    label = f'<label for="{own}">{escape(form.row["consent_text"])}</label>'
    return f'<div class="field"><div class="check">{box}{label}</div>{note}</div>'
