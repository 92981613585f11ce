"""What models check over several fields stands in their schemas as well: both refuse the same."""

from typing import Any

import jsonschema
import orjson
import pytest
from pydantic import BaseModel, ValidationError

from drippulse.crm.bulk.schemas import Assign, changes_of
from drippulse.crm.conversion.schemas import LeadConversion
from drippulse.crm.schemas import ContactFields
from drippulse.crm.tables import RecordType
from drippulse.enrollments.holding import ResumePolicy
from drippulse.enrollments.unknown_schemas import ResolveUnknown
from drippulse.sending.schemas import RampUp
from drippulse.workflows.simulation.schemas import SimulationRequest
from drippulse_rest.openapi.routes import committed_document
from drippulse_rest.v1.schemas import V1Contact

DOCUMENT = orjson.loads(committed_document())
CHANGES = changes_of(RecordType.CONTACT)
EXTERNAL = {"external_system": "s", "external_id": "7"}
RIGHT: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (ContactFields, {}),
    (ContactFields, EXTERNAL),
    (ContactFields, {"external_system": None, "external_id": None}),
    (ContactFields, {"external_id": None}),
    (V1Contact, {"externalSystem": "s", "externalId": "7"}),
    (Assign, {"ids": ["con_1"], "owner_id": None}),
    (Assign, {"filter": {}, "ids": None, "owner_id": 1}),
    (CHANGES, {"tags": ["a"]}),
    (CHANGES, {"add_tags": ["a"], "remove_tags": ["b"]}),
    (CHANGES, {"email": None}),
    (LeadConversion, {}),
    (LeadConversion, {"account": {"name": "A", **EXTERNAL}, "contact_id": "con_1"}),
    (LeadConversion, {"account": None, "account_id": None}),
    (LeadConversion, {"contact": {"account_id": None}}),
    (ResumePolicy, {}),
    (ResumePolicy, {"late": "skip"}),
    (ResumePolicy, {"late": "respread", "rate_per_minute": 60}),
    (ResolveUnknown, {"action": "resend", "all": True}),
    (ResolveUnknown, {"action": "resend", "step_id": "a", "all": False}),
    (ResolveUnknown, {"action": "dismiss", "delivery_ids": [1], "step_id": None}),
    (RampUp, {"start_per_day": 1, "days": 7, "step": 5}),
    (RampUp, {"start_per_day": 1, "days": 7, "factor": 2, "step": None}),
    (SimulationRequest, {"contacts": [{"email": "a@example.com"}]}),
]
WRONG: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (ContactFields, {"external_system": "s"}),
    (ContactFields, {"external_system": "s", "external_id": None}),
    (ContactFields, {"external_id": "7"}),
    (ContactFields, {"tags": [" "]}),
    (V1Contact, {"externalSystem": "s"}),
    (Assign, {"owner_id": None}),
    (Assign, {"ids": ["con_1"], "filter": {}, "owner_id": None}),
    (Assign, {"ids": [" \t"], "owner_id": None}),
    (CHANGES, {}),
    (CHANGES, {"tags": ["a"], "add_tags": ["b"]}),
    (CHANGES, {"tags": [], "remove_tags": []}),
    (CHANGES, {"email": "a@example.com"}),
    (CHANGES, EXTERNAL),
    (LeadConversion, {"account_id": "acc_1", "account": None}),
    (LeadConversion, {"contact_id": "con_1", "contact": {}}),
    (LeadConversion, {"contact": {"account_id": "acc_1"}}),
    (LeadConversion, {"opportunity": {"contact_id": "con_1"}}),
    (LeadConversion, {"opportunity": {"external_id": "7"}}),
    (ResumePolicy, {"late": "respread"}),
    (ResumePolicy, {"late": "respread", "rate_per_minute": None}),
    (ResumePolicy, {"late": "respread", "rate_per_minute": 5e-324}),
    (ResolveUnknown, {"action": "resend"}),
    (ResolveUnknown, {"action": "resend", "all": True, "step_id": "a"}),
    (ResolveUnknown, {"action": "resend", "delivery_ids": [1], "step_id": "a"}),
    (RampUp, {"start_per_day": 1, "days": 7}),
    (RampUp, {"start_per_day": 1, "days": 7, "factor": 2, "step": 3}),
    (SimulationRequest, {}),
    (SimulationRequest, {"contacts": [{"email": "a@example.com"}], "source": {"workflow_id": 1}}),
]


def by_schema(model: type[BaseModel], body: dict[str, Any]) -> bool:
    schema = {"$ref": f"#/components/schemas/{model.__name__}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(body)  # pyright: ignore[reportUnknownMemberType] - partly untyped


def by_model(model: type[BaseModel], body: dict[str, Any]) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("model", "body"), RIGHT, ids=str)
def test_what_the_schema_takes_is_taken(model: type[BaseModel], body: dict[str, Any]) -> None:
    assert (by_schema(model, body), by_model(model, body)) == (True, True)


@pytest.mark.parametrize(("model", "body"), WRONG, ids=str)
def test_what_is_refused_is_refused_by_the_schema(model: type[BaseModel], body: dict[str, Any]) -> None:
    assert (by_schema(model, body), by_model(model, body)) == (False, False)
