"""Every route of booking that an API key may open says which scope opens it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from services.booking.domain.key import Scope
from tests.architecture.tree import modules

KEYED = {"OPERATOR", "TOKEN_OR_OPERATOR"}


def declared() -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Every route as it is written down, with where that is."""
    for module in modules("services/booking"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
                said = {word.arg: word.value for word in node.keywords if word.arg}
                yield f"{module.name}:{node.lineno}", said


def keyed() -> list[tuple[str, str | None, str | None]]:
    """Where, with which method, under which scope; None for what is not written as a plain word."""
    return [
        (where, _word(said["method"]), _word(said["scope"]) if "scope" in said else None)
        for where, said in declared()
        if isinstance(who := said.get("who"), ast.Attribute) and who.attr in KEYED
    ]


def test_every_route_for_keys_has_a_scope_that_a_key_can_have() -> None:
    routes = keyed()
    assert len(routes) > 20
    assert [(where, scope) for where, _, scope in routes if scope not in set(Scope)] == []


def test_a_scope_to_read_opens_nothing_that_changes() -> None:
    changing = [(where, scope) for where, method, scope in keyed() if method in {"PUT", "PATCH", "DELETE"}]
    assert [(where, scope) for where, scope in changing if scope is None or scope.endswith(":read")] == []


def test_nothing_else_has_a_scope() -> None:
    where_keyed = {where for where, _, _ in keyed()}
    assert [where for where, said in declared() if "scope" in said and where not in where_keyed] == []


def _word(value: ast.expr) -> str | None:
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "Scope":
        return Scope[value.attr].value
    return None
