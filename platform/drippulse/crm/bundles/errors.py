"""Errors of bundles."""

from drippulse.kit.errors import ConflictError, ValidationError


class ExportsRunningError(ConflictError):
    """Each export holds a connection to the database."""

    code = "export_in_progress"

    def __init__(self) -> None:
        super().__init__("Two exports of your organization are running. Start this one when one of them is done.")


class ImportRunningError(ConflictError):
    """Bundles are imported one after the other."""

    code = "import_in_progress"

    def __init__(self) -> None:
        super().__init__("Another bundle of your organization is being imported. Send this one when it is done.")


class OneRecordTypeError(ValidationError):
    """A CSV file holds records of one type."""

    def __init__(self) -> None:
        sentence = "A CSV file holds one record type; name it, such as record_types=contacts."
        super().__init__(sentence, errors={"record_types": [sentence]})
