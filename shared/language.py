"""Which of the languages that there are suits a reader, by what their browser says."""

from __future__ import annotations

from collections.abc import Collection

MOST_NAMED = 20


def preferred(accepts: str, offered: Collection[str]) -> str | None:
    """The best of the offered in an Accept-Language header, a language standing for its variants.

    Of equal weights the first counts, as browsers send them (RFC 9110, section 12.5.4).
    """
    wanted = [_weighed(part) for part in accepts.split(",")[:MOST_NAMED]]
    for weight, tag in sorted(wanted, key=lambda one: -one[0]):
        found = closest(tag, offered)
        if weight > 0 and found is not None:
            return found
    return None


def closest(tag: str, offered: Collection[str]) -> str | None:
    """The language itself or the one that it is a variant of."""
    named = tag.strip().lower()
    return next((one for one in (named, named.partition("-")[0]) if one in offered), None)


def _weighed(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    name, _, value = weight.strip().partition("=")
    if name != "q":
        return 1.0, tag
    try:
        return float(value), tag
    except ValueError:
        return 0.0, tag
