"""Errors of calls that concern many records."""

from drippulse.kit.errors import ValidationError


class TooManyRecordsError(ValidationError):
    """The filter finds more than one call takes."""

    code = "too_many_records"

    def __init__(self, plural: str, count: int, most: int, *, is_lower_bound: bool) -> None:
        found = f"more than {count:,}" if is_lower_bound else f"{count:,}"
        sentence = (
            f"The filter finds {found} {plural}; one call takes up to {most:,}. Nothing was changed. Narrow it, "
            "for example by created_at[gte] and created_at[lt], and send several calls."
        )
        super().__init__(
            sentence,
            errors={"filter": [sentence]},
            extra={"total_count": count, "total_count_is_lower_bound": is_lower_bound},
        )


class EmptyFilterError(ValidationError):
    """A filter that says nothing would mean every record."""

    code = "empty_filter"

    def __init__(self, plural: str) -> None:
        sentence = (
            f'A filter without a condition would mean all {plural}. Name a condition; {{"created_at[exists]": true}} '
            "finds them all."
        )
        super().__init__(sentence, errors={"filter": [sentence]})


class TooManyTagsError(ValidationError):
    """More tags than a record can have."""

    code = "too_many_tags"

    def __init__(self, most: int) -> None:
        super().__init__(f"It would have more than {most} tags; remove some of them first.")
