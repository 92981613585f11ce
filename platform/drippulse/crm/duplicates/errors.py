"""Errors of duplicates."""

from collections.abc import Sequence

from drippulse.crm.tables import RecordType
from drippulse.kit.errors import ValidationError


class ForeignReasonError(ValidationError):
    """Records of this type are not compared by this."""

    def __init__(self, kind: RecordType, reasons: Sequence[str]) -> None:
        sentence = f"A reason of a {kind.value} is one of {', '.join(reasons)}."
        super().__init__(sentence, errors={"reason": [sentence]})


class UnnumberedPagesError(ValidationError):
    """This list is walked, not counted."""

    def __init__(self) -> None:
        sentence = "The pages of this list have no numbers; follow next_cursor."
        super().__init__(sentence, errors={"page": [sentence]})


class OneRecordError(ValidationError):
    """A record is always the same as itself."""

    def __init__(self) -> None:
        sentence = "These ids mean one record; name at least two."
        super().__init__(sentence, errors={"record_ids": [sentence]})
