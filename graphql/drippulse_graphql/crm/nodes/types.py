"""The record types and the pipelines that opportunities stand in."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import strawberry
from piccolo.columns import Column
from piccolo.table import Table as PiccoloTable

from drippulse.crm.records import SPECS
from drippulse.crm.tables import Pipeline as PipelineTable
from drippulse.crm.tables import PipelineStage as PipelineStageTable
from drippulse.crm.tables import RecordType
from drippulse_graphql.crm.nodes.columns import row_type, shown_columns
from drippulse_graphql.crm.nodes.inputs import list_of
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.fields import Table
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import node_type
from drippulse_graphql.kit.relations import connected, newest, to_one
from drippulse_graphql.kit.rows import Children
from drippulse_graphql.kit.selection import Selection

HERE = strawberry.lazy("drippulse_graphql.crm.nodes.types")
ACCOUNT, CONTACT, LEAD = RecordType.ACCOUNT, RecordType.CONTACT, RecordType.LEAD
OPPORTUNITY, ACTIVITY = RecordType.OPPORTUNITY, RecordType.ACTIVITY
AccountRef: TypeAlias = Annotated["Account", HERE]
ContactRef: TypeAlias = Annotated["Contact", HERE]
LeadRef: TypeAlias = Annotated["Lead", HERE]
OpportunityRef: TypeAlias = Annotated["Opportunity", HERE]
ActivityRef: TypeAlias = Annotated["Activity", HERE]
PipelineRef: TypeAlias = Annotated["Pipeline", HERE]
StageRef: TypeAlias = Annotated["PipelineStage", HERE]


def table_of(name: str) -> Table:
    return Table(
        f"{name} r", organization="r.organization_id", key="r.id", live="r.deleted_at IS NULL", key_type="uuid"
    )


def _columns(table: type[PiccoloTable], *hidden: str) -> dict[str, Column]:
    without = {"organization_id", "deleted_at", *hidden}
    return {column._meta.name: column for column in table._meta.columns if column._meta.name not in without}  # pyright: ignore[reportPrivateUsage] - Piccolo's way to list columns


@row_type(shown_columns(ACCOUNT), "An organization that we sell to.")
class Account(Node):
    contacts: Connection[ContactRef] = connected(list_of(CONTACT, "r.account_id"), key="r.id")
    opportunities: Connection[OpportunityRef] = connected(list_of(OPPORTUNITY, "r.account_id"), key="r.id")
    activities: Connection[ActivityRef] = connected(list_of(ACTIVITY, "r.account_id"), key="r.id")


@row_type(shown_columns(CONTACT), "Somebody we know.")
class Contact(Node):
    account: AccountRef | None = to_one("Account", key="r.account_id")
    leads: Connection[LeadRef] = connected(list_of(LEAD, "r.contact_id"), key="r.id")
    opportunities: Connection[OpportunityRef] = connected(list_of(OPPORTUNITY, "r.contact_id"), key="r.id")
    activities: Connection[ActivityRef] = connected(list_of(ACTIVITY, "r.contact_id"), key="r.id")


@row_type(shown_columns(LEAD), "Somebody who may become a customer.")
class Lead(Node):
    contact: ContactRef | None = to_one(
        "Contact", key="r.contact_id", description="Whom it is, where that is known already."
    )
    converted_account: AccountRef | None = to_one("Account", key="r.converted_account_id")
    converted_contact: ContactRef | None = to_one("Contact", key="r.converted_contact_id")
    converted_opportunity: OpportunityRef | None = to_one("Opportunity", key="r.converted_opportunity_id")
    activities: Connection[ActivityRef] = connected(list_of(ACTIVITY, "r.lead_id"), key="r.id")


@row_type(
    shown_columns(OPPORTUNITY),
    "A deal. It stands in exactly one stage of one pipeline; the stage keeps its status.",
)
class Opportunity(Node):
    account: AccountRef | None = to_one("Account", key="r.account_id")
    contact: ContactRef | None = to_one("Contact", key="r.contact_id")
    pipeline: PipelineRef | None = to_one("Pipeline", key="r.pipeline_id")
    stage: StageRef | None = to_one("PipelineStage", key="r.pipeline_stage_id")
    activities: Connection[ActivityRef] = connected(list_of(ACTIVITY, "r.opportunity_id"), key="r.id")


@row_type(shown_columns(ACTIVITY), "Something done or to be done about other records.")
class Activity(Node):
    account: AccountRef | None = to_one("Account", key="r.account_id")
    contact: ContactRef | None = to_one("Contact", key="r.contact_id")
    lead: LeadRef | None = to_one("Lead", key="r.lead_id")
    opportunity: OpportunityRef | None = to_one("Opportunity", key="r.opportunity_id")


@row_type(_columns(PipelineStageTable), "A column of a board.")
class PipelineStage(Node):
    opportunities: Connection[OpportunityRef] = connected(list_of(OPPORTUNITY, "r.pipeline_stage_id"), key="r.id")


STAGE = node_type(PipelineStage, table_of("pipeline_stage"))
STAGES = Children(
    STAGE.table, Selection(PipelineStage), parent="r.pipeline_id", newest_first="r.position DESC, r.id DESC"
)


@row_type(_columns(PipelineTable), "The organization's default one, or a clone that a user owns.")
class Pipeline(Node):
    stages: list[StageRef] = newest(STAGES, key="r.id", description="In their order, the last `last` of them.")
    opportunities: Connection[OpportunityRef] = connected(list_of(OPPORTUNITY, "r.pipeline_id"), key="r.id")


PIPELINE = node_type(Pipeline, table_of("pipeline"))
RECORDS: Mapping[RecordType, type] = {
    ACCOUNT: Account,
    CONTACT: Contact,
    LEAD: Lead,
    OPPORTUNITY: Opportunity,
    ACTIVITY: Activity,
}
for _kind, _declared in RECORDS.items():
    node_type(_declared, table_of(_kind.value))
LISTS = {kind: list_of(kind) for kind in SPECS}
