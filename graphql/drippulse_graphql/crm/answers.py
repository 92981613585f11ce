"""What the models of the CRM are in the schema."""

from collections.abc import Mapping

from pydantic import BaseModel

from drippulse.crm.changes.schemas import ActorOut, ChangesetOut, ConflictOut
from drippulse.crm.conversion.schemas import ConversionOut, MovedOut
from drippulse.crm.custom_fields.schemas import CustomFieldOut
from drippulse.crm.importing.schemas import ImportOut
from drippulse.crm.merging.schemas import EnrollmentsOut
from drippulse.crm.pipelines.schemas import Amounts, Board, PipelineOut, Reordered, StageOut
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse_graphql.crm.nodes.types import RECORDS, Pipeline, PipelineStage
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called, identified
from drippulse_graphql.kit.models.outputs import node_of

SUBJECTS: Mapping[RecordType, Subject] = {kind: Subject(kind.value.title(), numeric=False) for kind in SPECS}
"""Records: their ids are UUIDs or public ids."""
CHANGESET = Subject("Changeset")
CUSTOM_FIELD = Subject("CustomField")
IMPORT = Subject("Import")
PIPELINE = Subject("Pipeline", numeric=False)


def record_payload(kind: RecordType) -> type[BaseModel]:
    """The model whose type stands for records of this kind in every payload."""
    return SPECS[kind].answer


for _kind, _node in RECORDS.items():
    node_of(record_payload(_kind), _node)
node_of(PipelineOut, Pipeline)
node_of(StageOut, PipelineStage)
identified(ChangesetOut, CHANGESET.type_name)
identified(CustomFieldOut, CUSTOM_FIELD.type_name)
identified(ImportOut, IMPORT.type_name)
called(ActorOut, "ChangeActor")
called(ConflictOut, "RevertConflict")
called(ConversionOut, "LeadConversion")
called(MovedOut, "ConversionMoves")
called(EnrollmentsOut, "MergedEnrollments")
called(Amounts, "CurrencyTotal")
called(Reordered, "ReorderedStage")
called(Board, "PipelineBoard")
