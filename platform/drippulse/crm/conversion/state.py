"""What of a lead goes where. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from drippulse.crm.presentation import Row
from drippulse.crm.state import OBJECTS
from drippulse.kit.json import dump_json

ADDRESS = ("street", "city", "state", "postal_code", "country")
OF_PERSON = ("email", "first_name", "last_name", "company", "title", "phone", "timezone", "description", *ADDRESS)
TOGETHER = (("email", "email_key"), ("external_system", "external_id"))
"""Columns that are filled as one."""
CONVERTED = "converted"
"""The status of a converted lead."""
EMPTY = (None, "")


def account_fields(lead: Row, sent: Mapping[str, Any], domain: str | None, owner_id: int | None) -> dict[str, Any]:
    """`domain` is the lead's: of its website, else of its address. Without any name there is no `name`."""
    own = {name: lead[name] for name in (*ADDRESS, "website")}
    name = lead["company"] or domain
    return _filled({"name": name, "domain": domain, "owner_id": owner_id, **own}) | dict(sent)


def contact_fields(
    lead: Row, sent: Mapping[str, Any], custom_fields: Mapping[str, Any], owner_id: int | None
) -> dict[str, Any]:
    """`custom_fields` are those of the lead that contacts have too."""
    objects = {"tags": list(lead["tags"]), "attributes": orjson.loads(lead["attributes"])}
    sent_custom = sent.get("custom_fields", {})
    fields = {**_filled({name: lead[name] for name in OF_PERSON}), **objects, **_filled({"owner_id": owner_id}), **sent}
    return fields | {"custom_fields": {**custom_fields, **sent_custom}}


def opportunity_fields(
    lead: Row, sent: Mapping[str, Any], account: Row | None, contact: Row, owner_id: int | None
) -> dict[str, Any]:
    person = f"{contact['first_name']} {contact['last_name']}".strip()
    name = (account and account["name"]) or person or contact["email"] or lead["public_id"]
    places = {"account_id": None if account is None else str(account["id"]), "contact_id": str(contact["id"])}
    return _filled({"name": name, "source": lead["source"], "owner_id": owner_id}) | dict(sent) | places


def completing(row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    """What of `values` (columns) fills something empty of a record that was found; tags and objects are united.

    What the record has stays as it is.
    """
    own = {name: value for name, value in values.items() if name not in (*OBJECTS, "tags")}
    for names in TOGETHER:
        if names[0] in own and row[names[0]] not in EMPTY:
            own = {name: value for name, value in own.items() if name not in names}
    found = {name: value for name, value in own.items() if row[name] in EMPTY and value not in EMPTY}
    if "tags" in values:
        found["tags"] = list(dict.fromkeys([*row["tags"], *values["tags"]]))
    if "attributes" in values:
        found["attributes"] = dump_json({**orjson.loads(values["attributes"]), **orjson.loads(row["attributes"])})
    if "custom_fields" in values:
        there = orjson.loads(row["custom_fields"])
        new = {key: value for key, value in orjson.loads(values["custom_fields"]).items() if key not in there}
        found["custom_fields"] = dump_json(new)
    return found


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in EMPTY}
