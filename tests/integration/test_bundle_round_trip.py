"""Out of one organization and into another one: the same CRM, whatever it holds."""

import itertools
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import MakeOrganization
from tests.support.crm import CRM, PIPELINES, default_pipeline, signed_in

IMPORT, EXPORT = f"{CRM}/import", f"{CRM}/export"
PLURALS = ["accounts", "contacts", "opportunities", "leads", "activities"]
DIFFERENT = {"id", "updated_at", "owner_id"}
"""UUIDs are new and the moment of the change is now. Nobody is a member of both organizations."""
numbers = itertools.count()

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = words.map(str.strip).filter(bool)
lines = words.map(str.strip)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, allow_infinity=False) | words
)
objects = st.dictionaries(
    words, scalars | st.lists(scalars, max_size=3) | st.dictionaries(words, scalars, max_size=2), max_size=3
)
amounts = st.decimals(-999_999, 999_999, places=2).map(float)
moments = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
common = {"tags": st.lists(names, max_size=3), "attributes": objects}
external = st.booleans().map(lambda has: {"external_system": "erp", "external_id": str(next(numbers))} if has else {})
address = st.booleans().map(lambda has: {"email": f"Person.{next(numbers)}@Example.com"} if has else {})
person = {"first_name": lines, "last_name": lines, "phone": lines, "description": words, **common}


def rows(fields: dict[str, Any], *more: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Records of one type."""
    made = st.tuples(st.fixed_dictionaries({}, optional=fields), external, *more)
    return st.lists(made.map(lambda parts: {name: value for part in parts for name, value in part.items()}), max_size=4)


named = names.map(lambda name: {"name": name})
bundles = st.fixed_dictionaries(
    {
        "accounts": rows({"employee_count": st.integers(0, 2**31 - 1), "annual_revenue": amounts, **common}, named),
        "contacts": rows(person, address),
        "opportunities": rows(
            {
                "amount": amounts,
                "currency": st.sampled_from(["EUR", "USD"]),
                "probability": st.none() | st.integers(0, 100),
                "status": st.sampled_from(["open", "won", "lost"]),
                "expected_close_date": st.dates().map(str),
                **common,
            },
            named,
        ),
        "leads": rows({"score": st.floats(allow_nan=False, allow_infinity=False), **person}, address),
        "activities": rows(
            {"type": st.sampled_from(["call", "note", "task"]), "body": words, "occurred_at": moments, **common}
        ),
    }
)
REFERENCES = {
    "contacts": {"account_id": "accounts"},
    "opportunities": {"account_id": "accounts", "contact_id": "contacts"},
    "leads": {"contact_id": "contacts"},
    "activities": {
        "account_id": "accounts",
        "contact_id": "contacts",
        "lead_id": "leads",
        "opportunity_id": "opportunities",
    },
}


async def make(client: httpx.AsyncClient, bundle: dict[str, Any], data: st.DataObject) -> None:
    """Through the ordinary routes, with references to what was made before."""
    made: dict[str, list[str]] = {plural: [] for plural in PLURALS}
    for plural in PLURALS:
        for row in bundle[plural]:
            refs = {
                column: data.draw(st.sampled_from(made[target]))
                for column, target in REFERENCES.get(plural, {}).items()
                if made[target] and data.draw(st.booleans())
            }
            answer = await client.post(f"{CRM}/{plural}", json={**row, **refs})
            assert answer.status_code == 201, answer.text
            made[plural].append(answer.json()["public_id"])
    deals = made["opportunities"]
    if deals:
        order = data.draw(st.lists(st.sampled_from(deals), unique=True))
        stage = data.draw(st.sampled_from((await default_pipeline(client))["stages"]))["id"]
        wanted = {"pipeline_stage_id": stage, "ordered_ids": order}
        assert (await client.post(f"{CRM}/opportunities/reorder", json=wanted)).status_code == 200


def plain(bundle: dict[str, Any]) -> dict[str, Any]:
    """What must be equal."""
    kept = {name: value for name, value in bundle.items() if name not in {"exported_at", "organization_id", "owners"}}
    for plural in PLURALS:
        kept[plural] = [{n: v for n, v in row.items() if n not in DIFFERENT} for row in bundle[plural]]
    kept["pipelines"] = [{**row, "owner_id": None} for row in bundle["pipelines"]]
    return kept


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(bundles, st.data())
async def test_the_round_trip_is_exact(
    new_organization: MakeOrganization, bundle: dict[str, Any], data: st.DataObject
) -> None:
    source, target = await new_organization(), await new_organization()
    await make(source.client, bundle, data)
    out = (await source.client.get(EXPORT)).json()
    report = (await target.client.post(IMPORT, json=out)).json()
    assert report["counts"]["created"] == report["total_count"], report
    again = (await target.client.get(EXPORT)).json()
    assert plain(again) == plain(out)
    for client, own in ((source.client, out), (target.client, again)):
        same = (await client.post(IMPORT, json=own)).json()
        assert same["counts"]["unchanged"] == same["total_count"], same
        assert {**(await client.get(EXPORT)).json(), "exported_at": ""} == {**own, "exported_at": ""}


async def test_owners_and_pipelines_of_people_go_along(new_organization: MakeOrganization) -> None:
    """Owners are found by their address. A pipeline whose owner is nobody here belongs to whoever imports it."""
    source, target = await new_organization(), await new_organization()
    person, importer = await signed_in(source), await signed_in(target)
    mine = (await person.post(PIPELINES, json={"name": "Mine"})).json()
    stage = mine["stages"][3]["id"]
    owned = {"name": "Deal", "owner_id": source.admin_id, "pipeline_stage_id": stage}
    assert (await person.post(f"{CRM}/opportunities", json=owned)).status_code == 201
    out = (await person.get(EXPORT)).json()
    report = (await importer.post(IMPORT, json=out)).json()
    [note] = [result["reason"] for result in report["results"] if result["record_type"] == "opportunity"]
    assert "owner" in note
    [deal] = (await importer.get(f"{CRM}/opportunities")).json()["opportunities"]
    assert deal["owner_id"] is None
    pipeline = (await importer.get(f"{PIPELINES}/{deal['pipeline_id']}")).json()
    assert (pipeline["name"], pipeline["user_id"], pipeline["public_id"]) == (
        "Mine",
        target.admin_id,
        mine["public_id"],
    )
    assert pipeline["stages"][3]["id"] == deal["pipeline_stage_id"]
    known = [owner | {"email": f"{target.username}@example.com"} for owner in out["owners"]]
    await importer.post(IMPORT, json={**out, "owners": known})
    [deal] = (await importer.get(f"{CRM}/opportunities")).json()["opportunities"]
    assert deal["owner_id"] == target.admin_id
