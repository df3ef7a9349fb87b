"""`python -m services.screening import-fhir`: a FHIR Questionnaire as what a practice can add to a form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import cyclopts

from services.screening import library
from services.screening.domain.catalogue import FormUnknown
from services.screening.fhir import form_in
from services.screening.fhir.incoming import LARGEST, NotSupported, Remark
from services.screening.library import LibraryBroken

REFUSED: Final = 1
UNREADABLE: Final = 2
STDIN: Final = Path("-")


def import_fhir(
    file: Annotated[Path, cyclopts.Parameter(allow_leading_hyphen=True)], *, form: str, release: str = "1.0.0"
) -> None:
    """Read a FHIR R4B Questionnaire and print the body of a draft as JSON; keep nothing.

    What becomes something else here, and what is left out, is said on standard error. Ends with 1 and a list of places
    if it holds anything that is not supported, with 2 and a sentence if there is nothing to read. Needs no settings.

    Parameters
    ----------
    file
        JSON; - reads from standard input.
    form
        Bare name of the library's form that the questions are added to.
    release
        The practice's own version.
    """
    try:
        catalogue = library.read()
        read = form_in.read(_content(file), catalogue.form(form), catalogue, release=release)
    except NotSupported as refused:
        _say([Remark(one["path"], one["what"]) for one in refused.extra["troubles"]], "refused")
        sys.exit(REFUSED)
    except (OSError, FormUnknown, LibraryBroken) as error:
        why = (error.strerror or "cannot be read").lower() if isinstance(error, OSError) else error
        print(f"{file}: {why}", file=sys.stderr)
        sys.exit(UNREADABLE)
    _say(read.changed, "changed")
    _say(read.left_out, "left out")
    body = read.overlay.model_dump(mode="json", by_alias=True, exclude_none=True)
    print(json.dumps(body, ensure_ascii=False, indent=2))


def _content(file: Path) -> bytes:
    """One byte more than is taken, so that what is larger is seen to be."""
    if file == STDIN:
        return sys.stdin.buffer.read(LARGEST + 1)
    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _say(remarks: tuple[Remark, ...] | list[Remark], how: str) -> None:
    for one in remarks:
        print(f"{how}: {one.path or 'the Questionnaire'}: {one.what}", file=sys.stderr)
