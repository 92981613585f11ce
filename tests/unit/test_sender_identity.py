"""What an account adds to the mails of its organization."""

import pytest

from drippulse.organizations.account.identity import Identity, identity_of
from drippulse.workflows.steps.base import OutgoingMail

OURS = "DripPulse <no-reply@installation.example>"
ADDRESS = "hello@acme.example"


def mail(**changes: str | None) -> OutgoingMail:
    fields: dict[str, str | None] = {"text": "Hi", "html": "<p>Hi</p>", "sender": None, "reply_to": None, **changes}
    return OutgoingMail(
        to="ada@example.com",
        subject="Hi",
        text=fields["text"],
        html=fields["html"],
        sender=fields["sender"],
        reply_to=fields["reply_to"],
        track_opens=False,
        track_clicks=False,
    )


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ({}, None),
        ({"from_address": ADDRESS}, ADDRESS),
        ({"from_name": "Acme", "from_address": ADDRESS}, f"Acme <{ADDRESS}>"),
        ({"from_name": 'Acme "Inc", Ltd', "from_address": ADDRESS}, f'"Acme \\"Inc\\", Ltd" <{ADDRESS}>'),
        ({"from_name": "Acme"}, "Acme <no-reply@installation.example>"),
    ],
)
def test_the_sender_is_what_the_account_says(sender: dict[str, str], shown: str | None) -> None:
    assert identity_of(sender, {}, "Organization", OURS).sender == shown


def test_what_a_step_says_comes_first() -> None:
    identity = Identity(ADDRESS, "answers@acme.example")
    whole = identity.completed(mail(sender="step@acme.example", reply_to="me@acme.example"))
    assert (whole.sender, whole.reply_to) == ("step@acme.example", "me@acme.example")
    left_open = identity.completed(mail())
    assert (left_open.sender, left_open.reply_to) == (ADDRESS, "answers@acme.example")


def test_the_footer_names_the_organization_and_where_it_lives_in_both_parts() -> None:
    sender = {"postal_address": "1 Main Street\r\n <b>Springfield</b> "}
    whole = identity_of(sender, {"public_name": "Acme & Co"}, "acme-internal", OURS).completed(
        mail(html="<html><body><p>Hi</p></BODY></html>")
    )
    assert whole.text == "Hi\n\nAcme & Co\n1 Main Street\n<b>Springfield</b>"
    assert whole.html is not None
    assert "Acme &amp; Co<br>1 Main Street<br>&lt;b&gt;Springfield&lt;/b&gt;</p></BODY></html>" in whole.html


def test_a_part_that_a_mail_does_not_have_is_not_made_up() -> None:
    identity = Identity(footer=("Acme",))
    assert identity.completed(mail(html=None)).html is None
    assert identity.completed(mail(text=None)).text is None


def test_an_account_that_says_nothing_changes_nothing() -> None:
    assert identity_of({}, {}, "Organization", OURS).completed(mail()) == mail()


def test_the_name_of_an_organization_without_a_public_one_stands_above_its_address() -> None:
    assert identity_of({"postal_address": "1 Main Street"}, {}, "Organization", OURS).footer == (
        "Organization",
        "1 Main Street",
    )
