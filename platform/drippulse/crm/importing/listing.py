"""How imports are listed."""

from drippulse.crm.importing.queries import SORTS
from drippulse.crm.importing.tables import SHOWN
from drippulse.crm.tables import RecordType
from drippulse.kit.filters import choice, text, timestamp
from drippulse.kit.listing import Listing

LISTING = Listing(
    SORTS,
    {
        "status": choice([status.value for status in SHOWN], "Only imports of this status."),
        "record_type": choice(RecordType, "Only imports of these records."),
        "file_name": text("The file's name."),
        "created_at": timestamp("When the file was sent."),
    },
    full_limit=500,
)
