"""What an import's options mean for the sink."""

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.importing.encodings import read_encoding
from drippulse.crm.importing.layouts import Wanted, read_delimiter
from drippulse.crm.importing.schemas import ImportOptions
from drippulse.crm.importing.sink import Target
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor


def target_of(
    kind: RecordType,
    organization_id: int,
    import_id: int | None,
    label: str,
    options: ImportOptions,
    changeset_id: int | None = None,
) -> Target:
    """The changes are those of an actor `import` with the import's id."""
    changeset = OpenChangeset(Source.IMPORT, label, quiet=options.suppress_automations, id=changeset_id)
    return Target(
        kind,
        SystemActor(organization_id, "import", import_id),
        changeset,
        options.on_existing,
        tuple(options.dedupe_by),
        tuple(options.tags),
        options.owner_id,
        options.constants,
        options.date_order,
    )


def wanted_of(options: ImportOptions) -> Wanted:
    """Raises UnreadableFileError for an encoding or a delimiter that there is not."""
    return Wanted(read_encoding(options.encoding), read_delimiter(options.delimiter), options.mapping)
