"""Values that are hard to read right: left out, beyond what is stored, of another form."""

import time
from typing import Any

import httpx
import pytest

from tests.support.graphql import graphql, raw_graphql

SHOWN = "contact { attributes } userErrors { message }"
NOT_A_MOMENT = 'A DateTime is a text such as "2026-01-31T09:30:00Z".'
OUT_OF_TIME = "A DateTime lies in the years 1 to 9999, in UTC."


async def stored(client: httpx.AsyncClient, literal: str, declared: str = "", **variables: Any) -> Any:
    """The attributes that a literal becomes."""
    head = f"mutation ({declared})" if declared else "mutation"
    document = f"{head} {{ createCrmContact(input: {{attributes: {literal}}}) {{ {SHOWN} }} }}"
    made = (await graphql(client, document, **variables))["createCrmContact"]
    assert made["userErrors"] == []
    return made["contact"]["attributes"]


async def first_error(client: httpx.AsyncClient, document: str, **variables: Any) -> tuple[str, str]:
    """Code and message."""
    answer = await raw_graphql(client, document, **variables)
    error = answer["errors"][0]
    return error["extensions"]["code"], error["message"]


async def test_a_variable_that_is_left_out_is_left_out_of_json(client: httpx.AsyncClient) -> None:
    literal = '{a: 1, b: $y, c: [$y, "x"], d: {e: $y}, f: null}'
    assert await stored(client, literal, "$y: String") == {"a": 1, "c": [None, "x"], "d": {}, "f": None}
    assert (await stored(client, literal, "$y: String", y="z"))["d"] == {"e": "z"}
    assert (await stored(client, literal, "$y: String", y=None))["b"] is None
    assert (await stored(client, literal, '$y: String = "w"'))["b"] == "w"


async def test_variables_of_every_type_are_json_in_json(client: httpx.AsyncClient) -> None:
    literal = "{at: $at, day: $day, way: $way, any: $any}"
    declared = "$at: DateTime, $day: Date, $way: Direction, $any: JSON"
    given = {
        "at": "2026-01-31T10:30:00+01:00",
        "day": "2026-01-31",
        "way": "ASC",
        "any": {"x": [1.5, True]},
    }
    assert await stored(client, literal, declared, **given) == {
        "at": "2026-01-31T09:30:00.000Z",
        "day": "2026-01-31",
        "way": "ASC",
        "any": {"x": [1.5, True]},
    }


async def test_numbers_in_json_are_those_of_a_body(client: httpx.AsyncClient) -> None:
    wide = 123456789012345678901234567890
    literal = f"{{a: {2**64 - 1}, b: {-(2**63)}, c: {wide}, d: 1.5e3, e: -0}}"
    assert await stored(client, literal) == {"a": 2**64 - 1, "b": -(2**63), "c": float(wide), "d": 1500, "e": 0}
    keyed = f'mutation {{ createCrmContact(input: {{attributes: {{n: {wide}}}, idempotencyKey: "k"}}) {{ {SHOWN} }} }}'
    assert (await graphql(client, keyed))["createCrmContact"]["contact"]["attributes"] == {"n": float(wide)}


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 350])
async def test_a_number_that_no_double_holds_is_refused(client: httpx.AsyncClient, number: str) -> None:
    document = f"mutation {{ createCrmContact(input: {{attributes: {{n: {number}}}}}) {{ __typename }} }}"
    code, message = await first_error(client, document)
    assert (code, "308 digits" in message) == ("validation_failed", True)


async def test_a_number_of_very_many_digits_is_refused_in_our_words(client: httpx.AsyncClient) -> None:
    code, message = await first_error(client, "{ contacts(first: " + "9" * 5_000 + ") { totalCount } }")
    assert (code, message) == (
        "number_too_long",
        "A number in a document may have 400 digits. Send longer ones as texts.",
    )
    text = "9" * 5_000
    assert await stored(client, f'{{n: "{text}"}}') == {"n": text}


@pytest.mark.parametrize("given", ["", 5, "infinity", "2026-02-30", {"a": 1}, True])
async def test_a_moment_that_is_none_is_the_callers_mistake(client: httpx.AsyncClient, given: Any) -> None:
    document = "query ($m: DateTime) { contacts(filter: {createdAt: {gte: $m}}) { totalCount } }"
    code, message = await first_error(client, document, m=given)
    assert code == "bad_user_input"
    assert NOT_A_MOMENT in message


@pytest.mark.parametrize("given", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:00"])
@pytest.mark.parametrize("records", ["accounts", "contacts", "leads", "opportunities", "activities"])
async def test_a_moment_beyond_the_calendar_is_refused(client: httpx.AsyncClient, given: str, records: str) -> None:
    variable = f"query ($m: DateTime) {{ {records}(filter: {{createdAt: {{gte: $m}}}}) {{ totalCount }} }}"
    code, message = await first_error(client, variable, m=given)
    assert (code, OUT_OF_TIME in message) == ("bad_user_input", True)
    literal = f'{{ {records}(filter: {{createdAt: {{gte: "{given}"}}}}) {{ totalCount }} }}'
    code, message = await first_error(client, literal)
    assert (code, OUT_OF_TIME in message) == ("validation_failed", True)


async def test_a_day_or_a_whole_number_that_is_none_is_the_callers_mistake(client: httpx.AsyncClient) -> None:
    document = """mutation ($d: Date, $o: DateTime) { a: createCrmOpportunity(input: {name: "x", expectedCloseDate: $d})
      { __typename } b: sendEvent(input: {type: "a.b", key: "k", occurredAt: $o}) { __typename } }"""
    code, message = await first_error(client, document, d="2026-01-01T00:00:00Z")
    assert (code, 'A Date is a text such as "2026-01-31".' in message) == ("bad_user_input", True)
    assert (await first_error(client, document, o="x"))[0] == "bad_user_input"
    seeded = """mutation ($w: ID!, $s: BigInt) { simulateWorkflow(input: {id: $w, seed: $s, contacts: []})
      { __typename } }"""
    code, message = await first_error(client, seeded, w="1", s=1.5)
    assert (code, "A BigInt is a whole number." in message) == ("bad_user_input", True)


async def test_a_moment_without_an_offset_is_one_in_utc(client: httpx.AsyncClient, monkeypatch: Any) -> None:
    """Wherever the server stands."""
    made = (await client.post("/api/v1/crm/contacts", json={"email": "a@example.com"})).json()
    bare = made["created_at"].removesuffix("Z")
    document = "query ($m: DateTime) { contacts(filter: {createdAt: {gte: $m}}) { totalCount } }"
    for zone in ("America/New_York", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            assert (await graphql(client, document, m=bare))["contacts"]["totalCount"] == 1
            later = f"{int(bare[:4]) + 1}{bare[4:]}"
            assert (await graphql(client, document, m=later))["contacts"]["totalCount"] == 0
        finally:
            monkeypatch.delenv("TZ")
            time.tzset()


async def test_a_date_can_be_matched_exactly(client: httpx.AsyncClient) -> None:
    for day in ("2026-03-31", "2026-04-01"):
        made = await client.post("/api/v1/crm/opportunities", json={"name": day, "expected_close_date": day})
        assert made.status_code == 201, made.text
    document = "query ($m: DateTime) { opportunities(filter: {expectedCloseDate: {eq: $m}}) { nodes { name } } }"
    found = await graphql(client, document, m="2026-03-31")
    assert found["opportunities"]["nodes"] == [{"name": "2026-03-31"}]


async def test_whole_numbers_may_be_written_with_a_point_and_cost_the_same(client: httpx.AsyncClient) -> None:
    document = "query ($n: Int) { accounts(first: $n) { nodes { contacts(first: $n) { totalCount nodes { id } } } } }"
    for number in (200, 200.0):
        code, message = await first_error(client, document, n=number)
        assert (code, "40200 rows" in message) == ("cost_too_high", True)
    paged = "query ($n: Int!) { tags(perPage: $n) { __typename } }"
    assert await graphql(client, paged, n=1.0) == {"tags": {"__typename": "TagList"}}


@pytest.mark.parametrize("directive", ["skip", "include"])
async def test_a_directive_that_is_told_null_is_the_callers_mistake(client: httpx.AsyncClient, directive: str) -> None:
    for document in (
        f"query ($s: Boolean = true) {{ viewer @{directive}(if: $s) {{ role }} }}",
        f"query ($s: Boolean = true) {{ viewer {{ ...f }} }} fragment f on Viewer {{ role @{directive}(if: $s) }}",
    ):
        assert (await first_error(client, document, s=None))[0] == "bad_user_input"
        assert (await raw_graphql(client, document, s=directive == "include"))["data"]["viewer"] == {"role": "ADMIN"}


async def test_what_is_wrong_with_a_filter_is_named_as_the_schema_does(client: httpx.AsyncClient) -> None:
    for member, path in (
        ('accountId: {eq: "x"}', "filter.accountId"),
        ('firstName: {eq: "\\u0000"}', "filter.firstName"),
        ('q: "\\u0000"', "filter.q"),
        ('tags: ["\\u0000"]', "filter.tags"),
    ):
        answer = await raw_graphql(client, f"{{ contacts(filter: {{{member}}}) {{ totalCount }} }}")
        assert list(answer["errors"][0]["extensions"].get("errors", {})) == [path], answer
