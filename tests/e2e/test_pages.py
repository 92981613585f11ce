"""The pages in a real browser: they work without a network, on a phone, in the dark, and complain of nothing."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Browser, Page, chromium, running_browser
from tests.support.stack import Stack, running_stack

SIZES = [(1280, False), (1280, True), (360, False)]
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
UNNAMED = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, iframe')].filter(e =>
  !(e.textContent.trim() || e.title || e.ariaLabel || (e.labels && e.labels.length)))
  .map(e => e.outerHTML.slice(0, 200))"""
WORKFLOW = {
    "name": "Welcome",
    "status": "active",
    "steps": [
        {
            "type": "email",
            "config": {
                "subject": "Hello {{ first_name }}",
                "body": "Start at https://example.com/start.",
                "html": '<h2 style="color:teal">Hello</h2><p><a href="https://example.com/start">Start here</a></p>'
                "<script>parent.document.title = 'taken over'</script>",
            },
        }
    ],
}


async def _mail_arrives(stack: Stack) -> dict[str, Any]:
    """A mail to an address of its own."""
    async with stack.client() as client, asyncio.timeout(30):
        workflow = (await client.post("/api/v1/workflows", json=WORKFLOW)).json()
        contact = {"email": f"ada-{workflow['id']}@example.com", "first_name": "<b>Ada</b> & " + "Augusta" * 8}
        path = f"/api/v1/workflows/{workflow['id']}/enrollments/bulk"
        assert (await client.post(path, json={"contacts": [contact]})).status_code == 201
        found: list[dict[str, Any]] = []
        while not found:
            await asyncio.sleep(0.1)
            answer = await client.get("/dev/mailbox.json", params={"to": contact["email"]})
            found = answer.json()["messages"]
    return found[0]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    chromium()
    async with running_stack(tmp_path_factory.mktemp("pages") / "data") as running:
        yield running


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with running_browser() as running:
        yield running


@pytest.fixture
async def page(browser: Browser) -> AsyncGenerator[Page]:
    async with browser.page() as opened:
        yield opened
        assert opened.problems == []


async def _keep(page: Page, name: str) -> None:
    """A picture for people, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        await asyncio.to_thread((Path(folder) / f"{name}.png").write_bytes, await page.screenshot())


async def _look(page: Page, name: str) -> None:
    """The page fits, and everything one can use has a name."""
    await _keep(page, name)
    assert await page.value(OVERFLOW) <= 0
    assert await page.value(UNNAMED) == []


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_the_mailbox_shows_mails_and_runs_nothing_in_them(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    await page.open(f"{stack.url}/dev/mailbox?to=nobody", width=width, dark=dark)
    assert "No mail matches" in await page.value("document.body.innerText")
    mail = await _mail_arrives(stack)
    await page.open(f"{stack.url}/dev/mailbox", width=width, dark=dark)
    assert mail["to"][0] in await page.value("document.body.innerText")
    await _look(page, f"mailbox-{width}-{'dark' if dark else 'light'}")
    await page.click("main tbody a")
    await page.until("location.pathname.startsWith('/dev/mailbox/') && document.querySelector('iframe') !== null")
    assert mail["subject"] in await page.value("document.querySelector('h1').innerText")
    assert await page.value("document.title") == f"{mail['subject']} - Mailbox"
    await _look(page, f"mail-{width}-{'dark' if dark else 'light'}")
    page.problems = [
        problem for problem in page.problems if "sandboxed" not in problem
    ]  # it kept the script from running


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_the_graphql_page_runs_a_query_and_shows_the_schema(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    await page.open(f"{stack.url}/graphql", width=width, dark=dark)
    await page.click("#run")
    assert "credential" in await page.until("document.querySelector('#status.bad')?.innerText")
    await page.type("#credential", stack.api_key)
    await page.type("#query", "query ($n: Int) { workflows(first: $n) { totalCount } viewer { role } }")
    await page.type("#variables", '{"n": 1')
    await page.click("#run")
    assert "not JSON" in await page.until("document.querySelector('#status.bad')?.innerText")
    await page.type("#variables", '{"n": 1}')
    await page.click("#run")
    assert '"role": "ADMIN"' in await page.until("document.querySelector('#result').innerText")
    assert (await page.value("document.querySelector('#status').innerText")).startswith("200 in ")
    await _look(page, f"graphql-{width}-{'dark' if dark else 'light'}")
    await page.type("#find", "timelineentry")
    assert await page.until("[...document.querySelectorAll('#schema > div')].filter(e => !e.hidden).length") < 5
    await page.click("#schema a[href='#type-TimelineEntry']")
    assert "TimelineEntry" in await page.until("document.querySelector('#schema div:target')?.innerText")


async def _choose(page: Page, title: str) -> None:
    """Finds an example by typing its title, and takes the first that is found."""
    await page.type("#wanted", title)
    await page.press("Enter")
    assert await page.value("document.querySelector('#example').selectedOptions[0].text") == title


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_the_examples_of_the_graphql_page_build_on_each_other(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    await page.open(f"{stack.url}/graphql", width=width, dark=dark)
    await page.type("#credential", stack.api_key)
    await _choose(page, "Enroll contacts")
    assert await page.value("document.querySelector('#needs').innerText") == "Run first: Create a workflow"
    assert await page.value("document.querySelector('#example').length") == 1
    await page.click("#needs button")
    await page.click("#run")
    assert await page.until("document.querySelector('#result').innerText.includes('createWorkflow')")
    await _choose(page, "Enroll contacts")
    assert await page.value("document.querySelector('#needs').innerText") == ""
    await page.click("#run")
    assert await page.until("document.querySelector('#result').innerText.includes('\"createdCount\": 2')")
    await _look(page, f"graphql-example-{width}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_the_graphql_page_follows_a_subscription_until_it_is_stopped(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    status = "document.querySelector('#live-status').innerText"
    await page.open(f"{stack.url}/graphql", width=width, dark=dark)
    await page.type("#credential", stack.api_key)
    await _choose(page, "Records as they change")
    await page.click("#run")
    assert await page.until(f"{status}.startsWith('Streaming')")
    await _choose(page, "Create an account")
    await page.click("#run")
    assert await page.until("document.querySelector('#messages').innerText.includes('account.created')")
    assert re.fullmatch(r"Streaming: \d+ messages?", await page.value(status))
    assert "Analytical Engines" in await page.value("document.querySelector('#result').innerText")
    await _look(page, f"graphql-stream-{width}-{'dark' if dark else 'light'}")
    await page.click("#stop")
    assert await page.until(f"{status} === 'Stopped'")
    async with stack.client() as client:
        assert (await client.post("/api/v1/crm/accounts", json={"name": "Later"})).status_code == 201
    await asyncio.sleep(0.5)
    assert "Later" not in await page.value("document.querySelector('#messages').innerText")


async def test_the_graphql_page_says_why_a_subscription_is_refused(stack: Stack, page: Page) -> None:
    await page.open(f"{stack.url}/graphql")
    await page.type("#credential", stack.api_key)
    await page.type("#query", "subscription { nothing }")
    await page.click("#run")
    assert await page.until("document.querySelector('#messages').innerText.includes('validation_failed')")
    assert await page.until("document.querySelector('#live-status.bad')?.innerText") == "Ended by the server"
    await page.type("#credential", "adcrm_live_wrong")
    await page.click("#run")
    assert (await page.until("document.querySelector('#status.bad')?.innerText")).startswith("401 in ")
    assert await page.value("document.querySelector('#live').hidden")
    assert "401" in page.problems.pop()  # the browser logs it by itself


async def test_the_graphql_page_says_what_went_wrong(stack: Stack, page: Page) -> None:
    await page.open(f"{stack.url}/graphql")
    await page.type("#credential", "adcrm_live_wrong")
    await page.click("#run")
    assert (await page.until("document.querySelector('#status.bad')?.innerText")).startswith("401 in ")
    assert "401" in page.problems.pop()  # the browser logs it by itself
    await page.type("#credential", stack.api_key)
    await page.type("#query", "{ nothing }")
    await page.click("#run")
    assert await page.until("document.querySelector('#result').innerText.includes('validation_failed')")
    assert (await page.value("document.querySelector('#status').innerText")).endswith("1 error")


@pytest.mark.parametrize("width", [1280, 360])
async def test_the_rest_reference_lists_and_opens_operations(stack: Stack, page: Page, width: int) -> None:
    await page.open(f"{stack.url}/docs/api", width=width)
    await page.until("document.querySelectorAll('.opblock').length > 15")
    assert "OAS 3.1" in await page.value("document.querySelector('.info').innerText")
    await page.click("#operations-Enrollments-bulkEnroll button")
    opened = await page.until(
        "document.querySelector('#operations-Enrollments-bulkEnroll .responses-wrapper')?.innerText"
    )
    assert "no_enrollments_created" in opened
    await _keep(page, f"reference-{width}")


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_unsubscribing_takes_one_click_and_a_broken_link_says_so(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    mail = await _mail_arrives(stack)
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    await page.open(link, width=width, dark=dark)
    await _look(page, f"unsubscribe-{width}-{'dark' if dark else 'light'}")
    await page.click("button")
    assert await page.until("document.querySelector('h1')?.innerText === 'You are unsubscribed'")
    await _look(page, f"unsubscribed-{width}-{'dark' if dark else 'light'}")
    await page.open(link[:-4] + "AAAA", width=width, dark=dark)
    assert "does not work" in await page.value("document.querySelector('h1').innerText")
    assert "400" in page.problems.pop()


FORM = {
    "name": "Website contact",
    "title": "Talk to us",
    "description": "We answer within a day.",
    "fields": [
        {"name": "email", "label": "E-mail", "type": "email", "required": True, "help": "We write to this address."},
        {"name": "first_name", "label": "First name"},
        {"name": "country", "label": "Country", "type": "select", "options": ["Germany", "France"]},
        {"name": "description", "label": "What is it about?", "type": "textarea"},
    ],
    "consent_text": "I agree to be contacted about this.",
    "success_message": "Thank you, we will be in touch.",
}


@pytest.mark.parametrize(("width", "dark"), SIZES)
async def test_a_lead_form_keeps_what_was_entered_says_what_is_wrong_and_takes_it(
    stack: Stack, page: Page, width: int, dark: bool
) -> None:
    async with stack.client() as client:
        made = await client.post("/api/v1/crm/lead_forms", json=FORM)
        assert made.status_code == 201, made.text
        address = f"ada-{made.json()['id']}@example.com"
        await page.open(made.json()["url"], width=width, dark=dark)
        await _look(page, f"lead-form-{width}-{'dark' if dark else 'light'}")
        await page.type("[name=first_name]", "<i>Ada</i>")
        await page.click("button")
        await page.until("document.querySelector('[role=alert]') !== null")
        assert "422" in page.problems.pop()  # the browser logs it by itself
        assert await page.value("document.querySelector('[name=first_name]').value") == "<i>Ada</i>"
        told = "document.getElementById(document.querySelector('[name=email]').getAttribute('aria-describedby')"
        assert await page.value(f"{told}.split(' ').pop()).innerText")
        assert await page.value("document.querySelector('[name=email]').ariaInvalid") == "true"
        await _look(page, f"lead-form-wrong-{width}-{'dark' if dark else 'light'}")
        await page.type("[name=email]", address)
        await page.click("[type=checkbox]")
        await asyncio.sleep(2)  # who fills it in more quickly is no person
        await page.click("button")
        assert await page.until("document.querySelector('[role=status]')?.innerText") == FORM["success_message"]
        await _look(page, f"lead-form-sent-{width}-{'dark' if dark else 'light'}")
        found = (await client.get("/api/v1/crm/leads", params={"q": address})).json()
    assert [(lead["email"], lead["first_name"]) for lead in found["leads"]] == [(address, "<i>Ada</i>")]
