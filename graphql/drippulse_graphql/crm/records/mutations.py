"""The mutations of every record type."""

from drippulse.crm.tables import RecordType
from drippulse_graphql.crm.answers import SUBJECTS
from drippulse_graphql.crm.records.assign import assign_records
from drippulse_graphql.crm.records.bulk_delete import bulk_delete_records
from drippulse_graphql.crm.records.bulk_update import bulk_update_records
from drippulse_graphql.crm.records.create import create_record
from drippulse_graphql.crm.records.delete import delete_record
from drippulse_graphql.crm.records.merge import merge_records
from drippulse_graphql.crm.records.restore import restore_record
from drippulse_graphql.crm.records.unmerge import unmerge_record
from drippulse_graphql.crm.records.update import update_record
from drippulse_graphql.kit.declared import Declared

EVERY = (
    create_record,
    update_record,
    delete_record,
    restore_record,
    bulk_update_records,
    bulk_delete_records,
    assign_records,
)
MUTATIONS: tuple[Declared, ...] = (
    *(make(kind) for kind in SUBJECTS for make in EVERY),
    *(make(kind) for kind in SUBJECTS if kind is not RecordType.ACTIVITY for make in (merge_records, unmerge_record)),
)
