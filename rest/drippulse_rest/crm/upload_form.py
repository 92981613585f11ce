"""Files in requests, read as they come: of a multipart form, or as the body itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import multipart  # pyright: ignore[reportMissingTypeStubs] - annotated, without saying so

from drippulse.crm.importing.errors import NoFileError
from drippulse.crm.importing.uploads import clean_name
from drippulse.kit.errors import BadRequestError, ValidationError
from drippulse_rest.kit.request import ApiRequest, UnsupportedMediaTypeError

FILE: Final = "file"
FORM: Final = "multipart/form-data"
NO_FILES: Final = ("application/json", "application/x-www-form-urlencoded", "application/xml")
MOST_FIELDS: Final = 40
MOST_FIELD_BYTES: Final = 256 * 1024


class Receiver(Protocol):
    """Where a file goes."""

    file_name: str

    async def add(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Form:
    """The fields beside the file, as texts."""

    fields: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    files: int = 0

    def begin(self, name: str) -> bytearray:
        if name in self.fields or len(self.fields) >= MOST_FIELDS:
            raise ValidationError(
                f'The form has the field "{name[:100]}" twice, or more than {MOST_FIELDS} fields.',
                errors={name[:100]: ["Send each field once."]},
            )
        return self.fields.setdefault(name, bytearray())

    def texts(self) -> dict[str, str]:
        """Raises BadRequestError when one is not UTF-8."""
        try:
            return {name: value.decode() for name, value in self.fields.items()}
        except UnicodeDecodeError:
            raise BadRequestError("A field of the form is not UTF-8.") from None


async def receive(request: ApiRequest, receiver: Receiver) -> Mapping[str, str]:
    """Hand the file on; the form's other fields.

    Raises:
        NoFileError, UnsupportedMediaTypeError, BadRequestError (a form that breaks off), and what `receiver` does.
    """
    media_type, options = request.content_type
    if request.headers.get("content-encoding"):
        raise UnsupportedMediaTypeError("Content-Encoding is not taken for files; send the file as it is.")
    if media_type == FORM:
        return await _form(request, receiver, options.get("boundary", ""))
    if media_type in NO_FILES or media_type.endswith("+json"):
        raise UnsupportedMediaTypeError('Send the file as the form field "file", or with Content-Type: text/csv.')
    if "content-disposition" in request.headers:
        _, _, name = multipart.parse_content_disposition(request.headers["content-disposition"])
        receiver.file_name = clean_name(name or "")
    async for piece in request.stream():
        if piece:
            await receiver.add(piece)
    return {}


async def _form(request: ApiRequest, receiver: Receiver, boundary: str) -> Mapping[str, str]:
    form = Form()
    into: bytearray | None = None
    try:
        with multipart.PushMultipartParser(boundary, max_segment_count=MOST_FIELDS + 1) as parser:
            async for piece in request.stream():
                for found in parser.parse(piece) if piece else ():
                    if isinstance(found, multipart.MultipartSegment):
                        into = _begin(form, receiver, found)
                    elif found and into is None:
                        await receiver.add(bytes(found))
                    elif found and into is not None:
                        into += found
                        if len(into) > MOST_FIELD_BYTES:
                            raise ValidationError(f"A field of the form is longer than {MOST_FIELD_BYTES} bytes.")
    except multipart.MultipartError as error:
        raise BadRequestError(f"The form cannot be read: {error}.") from None
    if not form.files:
        raise NoFileError
    return form.texts()


def _begin(form: Form, receiver: Receiver, segment: multipart.MultipartSegment) -> bytearray | None:
    """Where this part goes; None is the file."""
    if segment.name != FILE:
        return form.begin(segment.name or "")
    form.files += 1
    if form.files > 1:
        raise ValidationError("Send one file at a time.", errors={FILE: ["Send one file at a time."]})
    receiver.file_name = clean_name(segment.filename or "")
    return None
