"""Requests made up from the API description: no 5xx, every answer is one that the description has, and nothing that is
right by its schema is refused for its shape."""

import json
import re
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.generation import GenerationMode

from tests.support.api_description import api_description
from tests.support.organizations import TestOrganization
from tests.support.schemathesis_formats import use_storable_formats
from tests.support.workflows import create_workflow, enroll

EXAMPLES = 8
SKIPPED = {"readMetrics", "getHealth", "getApiHealth", "createAdminSession", "login"}
"""Without input to make up, or another name for `adminLogin`, which is slow on purpose."""

SHAPE = re.compile(
    r"Expected `|Must be a valid (?!integer)|Must be a (string|list|boolean|dictionary)(?! of )|Unknown field"
    r"|is not a parameter|This parameter is required|must be a whole number from"
    r"|should have at (least|most)|should match pattern"
)
"""Words of refusals that the schema should have foretold; those of rules beyond schemas are others. To JSON Schema 1.0
is an integer."""
CODES = {"validation_failed", "missing_parameter", "bad_request"}

# The application runs beside what makes requests up: whoever else draws a number meanwhile is not a strategy.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

use_storable_formats()
schema = cast("Any", schemathesis.openapi).from_dict(api_description())
operations: list[Any] = [result.ok() for result in schema.get_all_operations()]


def _name(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def _cases(operation: Any, mode: GenerationMode, path_parameters: dict[str, int]) -> list[Any]:
    """The same made-up requests in every run."""
    cases: list[Any] = []

    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path_parameters or None))
    def collect(case: Any) -> None:
        cases.append(case)

    collect()
    return cases


def _parts(made: Any) -> list[tuple[str, tuple[str | None, bytes]]] | None:
    """The fields of a form; what is no text is sent as JSON writes it."""
    if not made:
        return None
    return [(name, (file_name, _bytes(content))) for name, (file_name, content, *_) in made]


def _bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode("utf-8", "surrogatepass")


def _request(client: httpx.AsyncClient, case: Any) -> httpx.Request:
    made: dict[str, Any] = case.as_transport_kwargs(base_url=str(client.base_url))
    data, headers = made.get("data"), cast("dict[str, str]", made.get("headers") or {})
    request = client.build_request(
        made["method"],
        made["url"],
        params=made.get("params"),
        json=made.get("json"),
        content=data if isinstance(data, str | bytes) else None,
        data=cast("dict[str, Any]", data) if isinstance(data, dict) else None,
        files=_parts(made.get("files")),
        headers=[
            (name.encode("latin-1"), text.encode("latin-1"))
            for name, text in headers.items()
            if name.lower() != "authorization"
        ],
    )
    request.read()  # a form too; the check of the answer looks at it
    return request


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", [o for o in operations if _name(o) not in SKIPPED], ids=_name)
async def test_no_request_breaks_it(operation: Any, mode: GenerationMode, organization: TestOrganization) -> None:
    client = organization.client
    workflow = await create_workflow(client)
    enrolled = await enroll(client, workflow["id"], {"email": "a@example.com"})
    ids = {"workflow_id": workflow["id"], "enrollment_id": enrolled["enrollment_ids"][0]}
    known = {name: value for name, value in ids.items() if f"{{{name}}}" in operation.path}
    for case in _cases(operation, mode, known):
        response = await client.send(_request(client, case))
        assert response.status_code < 500, f"{case}: {response.text}"
        is_json = response.headers.get("content-type", "").startswith("application/json")
        if mode is GenerationMode.POSITIVE and is_json and response.status_code in {400, 422}:
            told = response.json()["error"]
            of_shape = (told["code"] if isinstance(told, dict) else told) in CODES and SHAPE.search(response.text)
            assert not of_shape, f"{case}: {response.text}"
        if response.status_code not in {404, 405}:  # made-up paths may be no routes at all
            assert str(response.status_code) in operation.definition.raw["responses"], f"{case}: {response.text}"
            operation.validate_response(response, case=case)
