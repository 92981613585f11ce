"""GraphQL types made of pydantic models: nothing is lost or invented on the way in or out."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
import strawberry
from hypothesis import given as cases
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from drippulse.kit.validation import Input, parse
from drippulse_graphql.kit.ids import InvalidIdError
from drippulse_graphql.kit.models.inputs import given, input_type
from drippulse_graphql.kit.models.names import called, global_id, identified, number_of, raw_id
from drippulse_graphql.kit.models.outputs import output_type
from drippulse_graphql.kit.models.paths import graphql_path
from drippulse_graphql.kit.scalars import CONFIG


class Colour(StrEnum):
    DEEP_RED = "deep-red"
    BLUE = "blue"


class Below(Input):
    """A part."""

    first_name: str
    scores: list[float] = Field(default_factory=list[float])
    colour: Annotated[Colour, Field(strict=False)] | None = None


class Everything(Input):
    """A field of every kind."""

    text: str
    maybe_text: str | None = None
    count: int = 0
    seed: int = Field(default=0, le=2**63 - 1)
    share: float | None = None
    wanted: bool = True
    amount: Annotated[Decimal, Field(strict=False)] | None = None
    at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    day: Annotated[date, Field(strict=False)] | None = None
    start: Annotated[time, Field(strict=False)] | None = None
    colour: Annotated[Colour, Field(strict=False)] = Colour.BLUE
    method: Literal["GET", "POST"] = "GET"
    free: Any = None
    members: dict[str, Any] = Field(default_factory=dict[str, Any])
    either: int | str | None = None
    words: list[str] | None = None
    below: Below | None = None
    many: list[Below] = Field(default_factory=list[Below])
    workflow_id: int | None = None
    ids: list[int] = Field(default_factory=list[int])
    owner_ref: str = ""
    external_id: str = ""


TAKES = input_type("EverythingInput", Everything, {}, "All of it.")
SHOWS = output_type(called(Everything, "EverythingShown"))


async def _echo(input: Any) -> Any:  # noqa: A002 - the argument's name in the schema
    said = given(input)
    read = parse(Everything, said)
    return {"said": said, "set": sorted(read.model_fields_set)}


async def _show(value: Any) -> Any:
    return value


_echo.__annotations__ = {"input": TAKES, "return": JSON}
_show.__annotations__ = {"value": JSON, "return": SHOWS}
ROOT = strawberry.type(
    type("Query", (), {"echo": strawberry.field(resolver=_echo), "show": strawberry.field(resolver=_show)}),
    name="Query",
)
SCHEMA = strawberry.Schema(query=ROOT, config=CONFIG)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
INTS = st.integers(-(2**31), 2**31 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
FREE = st.recursive(
    st.none() | st.booleans() | INTS | TEXT, lambda below: st.lists(below) | st.dictionaries(TEXT, below)
)
NUMBERS = st.integers(0, 2**63 - 1)
ENUM = st.sampled_from([colour.value for colour in Colour])
BELOW = st.fixed_dictionaries({"first_name": TEXT}, optional={"scores": st.lists(FLOATS), "colour": ENUM | st.none()})
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
VALUES = st.fixed_dictionaries(
    {"text": TEXT},
    optional={
        "maybe_text": TEXT | st.none(),
        "count": INTS,
        "seed": st.integers(-(2**63), 2**63 - 1),
        "share": FLOATS | st.none(),
        "wanted": st.booleans(),
        "amount": st.integers(-(10**9), 10**9).map(lambda cents: cents / 100) | st.none(),
        "at": MOMENTS | st.none(),
        "day": st.dates().map(date.isoformat) | st.none(),
        "start": st.times().map(time.isoformat) | st.none(),
        "colour": ENUM,
        "method": st.sampled_from(["GET", "POST"]),
        "free": FREE,
        "members": st.dictionaries(TEXT, FREE),
        "either": INTS | TEXT | st.none(),
        "words": st.lists(TEXT) | st.none(),
        "below": BELOW | st.none(),
        "many": st.lists(BELOW, max_size=3),
        "workflow_id": NUMBERS | st.none(),
        "ids": st.lists(NUMBERS),
        "owner_ref": TEXT,
        "external_id": TEXT,
    },
)


def spelled(value: dict[str, Any]) -> dict[str, Any]:
    """As a caller of GraphQL writes it."""
    return {to_camel_case(name): _spelled(name, member) for name, member in value.items()}


def _spelled(name: str, member: Any) -> Any:
    match name:
        case _ if member is None:
            return None
        case "colour":
            return Colour(member).name
        case "workflow_id":
            return global_id("Workflow", member) if member % 2 else str(member)
        case "ids":
            return [str(number) for number in member]
        case "below":
            return spelled(member)
        case "many":
            return [spelled(one) for one in member]
        case _:
            return member


@cases(VALUES)
async def test_what_is_said_reaches_the_model_unchanged_and_nothing_else_does(value: dict[str, Any]) -> None:
    query = "query ($input: EverythingInput!) { echo(input: $input) }"
    answer = await SCHEMA.execute(query, variable_values={"input": spelled(value)})
    assert answer.errors is None
    assert answer.data is not None
    assert answer.data["echo"]["said"] == value
    assert answer.data["echo"]["set"] == sorted(value)


DETAILS = """text maybeText count seed share wanted amount at day start colour method free members either words
  below { firstName scores colour } many { firstName scores colour } workflowId ids ownerRef externalId"""


@cases(VALUES)
async def test_what_rest_answers_is_shown_unchanged(value: dict[str, Any]) -> None:
    query = f"query ($value: JSON!) {{ show(value: $value) {{ {DETAILS} }} }}"
    answer = await SCHEMA.execute(query, variable_values={"value": value})
    assert answer.errors is None
    assert answer.data is not None
    shown = answer.data["show"]
    for name, member in spelled({**value, "workflow_id": None, "ids": []}).items():
        expected = _whole(member) if name in {"below", "many"} else member
        assert name in {"workflowId", "ids"} or shown[name] == expected, name
    assert shown["ids"] == [str(number) for number in value.get("ids", [])]
    number = value.get("workflow_id")
    assert shown["workflowId"] == (None if number is None else str(number))


def _whole(member: Any) -> Any:
    """With the defaults of what a part leaves out."""
    if isinstance(member, list):
        return [_whole(one) for one in member]  # pyright: ignore[reportUnknownVariableType] - free JSON
    return None if member is None else {"scores": [], "colour": None, **member}


def test_ids_are_ids_in_the_schema() -> None:
    text = str(SCHEMA)
    assert "workflowId: ID" in text
    assert "ids: [ID!]" in text
    assert "externalId: String" in text


@pytest.mark.parametrize("written", ["7", global_id("Workflow", 7)])
def test_a_global_id_and_the_id_of_rest_mean_the_same(written: str) -> None:
    assert number_of(raw_id(written, "Workflow")) == 7


@pytest.mark.parametrize(
    "written", ["cnt_0ujsszwN8NRY24YaXiTIE2VWDTS", "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f", "", "ab"]
)
def test_what_is_no_global_id_stays_as_it_is(written: str) -> None:
    assert raw_id(written, "Contact") == written


def test_an_id_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidIdError) as raised:
        raw_id(global_id("Project", 7), "Workflow", "workflow_id")
    assert raised.value.errors["workflow_id"]


@pytest.mark.parametrize("written", ["x", "", "1.5", "9" * 40, "٣"])
def test_a_number_must_be_one(written: str) -> None:
    with pytest.raises(InvalidIdError):
        number_of(written)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("maybe_text", "maybeText"),
        ("below.first_name", "below.firstName"),
        ("many.2.first_name", "many.2.firstName"),
        ("members.renewal_month", "members.renewal_month"),
        ("free.2.config.due_at", "free.2.config.due_at"),
        ("unknown_field", "unknownField"),
    ],
)
def test_paths_are_spelled_as_the_caller_spells_them_and_free_json_keeps_its_spelling(path: str, shown: str) -> None:
    assert graphql_path(Everything, path) == shown


class Shown(BaseModel):
    """What has a global id."""

    id: int
    from_: int = Field(alias="from")
    late: str = "never"


identified(Shown, "Shown")


async def test_an_object_has_a_global_id_and_that_of_rest() -> None:
    async def one() -> Any:
        return {"id": 7, "from": 3}

    one.__annotations__ = {"return": output_type(Shown)}
    root = strawberry.type(type("Query", (), {"one": strawberry.field(resolver=one)}), name="Query")
    answer = await strawberry.Schema(query=root, config=CONFIG).execute("{ one { id databaseId from late } }")
    assert answer.errors is None
    assert answer.data == {"one": {"id": global_id("Shown", 7), "databaseId": "7", "from": 3, "late": "never"}}


class Wide(BaseModel):
    total: Annotated[int, Field(le=2**40)]


class Odd(BaseModel):
    value: complex

    model_config = {"arbitrary_types_allowed": True}


class Listed(BaseModel):
    kind: Literal["this", "that"]


@pytest.mark.parametrize(("model", "told"), [(Wide, "32 bits"), (Odd, "no GraphQL type"), (Listed, "LITERALS")])
def test_a_field_that_no_rule_fits_keeps_the_schema_from_being_built(model: type[BaseModel], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        output_type(model)


def test_two_models_of_one_name_keep_the_schema_from_being_built() -> None:
    twin = type("ShownOut", (BaseModel,), {})
    output_type(Shown)
    with pytest.raises(TypeError, match="both called Shown"):
        output_type(twin)
