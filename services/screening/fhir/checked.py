"""What goes out or came in, held against FHIR R4B by the library that knows all of it.

It is loaded when the first resource passes, because a service that never speaks FHIR needs none of it.
"""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ValidationError

from services.screening.fhir.names import Json


class NotFhir(Exception):
    """`places` are where, with the kind of error. Nothing of what stands there is in it: it may be logged."""

    def __init__(self, error: ValidationError) -> None:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        self.places = [(one["loc"], one["type"]) for one in found]
        super().__init__(f"{len(self.places)} places do not fit")


def text(resource: Json) -> str:
    """The resource as JSON. Raises `NotFhir`."""
    try:
        return _model(resource["resourceType"]).model_validate(resource).model_dump_json()
    except ValidationError as error:
        raise NotFhir(error) from None


@cache
def _model(kind: str) -> type[BaseModel]:
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415  see above

    return get_fhir_model_class(kind)
