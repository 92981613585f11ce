"""How custom fields are listed."""

from drippulse.crm.custom_fields import queries
from drippulse.crm.custom_fields.tables import FieldType
from drippulse.crm.tables import RecordType
from drippulse.kit.filters import choice, text
from drippulse.kit.listing import Listing

LISTING = Listing(
    queries.LIST.sorts,
    {
        "record_type": choice(RecordType, "Only fields of this record type."),
        "type": choice(FieldType, "Only fields of this type."),
        "key": text("The key."),
    },
    search="Keys and labels.",
)
