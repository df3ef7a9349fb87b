"""What goes out or came in, held against FHIR R4B by the library that knows all of it.

It is loaded when the first resource passes, because a service that never speaks FHIR needs none of it.
"""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel

from services.screening.fhir.names import Json


def text(resource: Json) -> str:
    """The resource as JSON. Raises pydantic's ValidationError: then it is not FHIR."""
    return _model(resource["resourceType"]).model_validate(resource).model_dump_json()


@cache
def _model(kind: str) -> type[BaseModel]:
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415  see above

    return get_fhir_model_class(kind)
