"""OpenAPI 3.1, generated from the same route declarations that are served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared import VERSION
from shared.errors import Kind, Refusal
from shared.httpkit import ANY_ID, PATH, InvalidRequest, MalformedJson, OperatorOnly, Route, Who
from shared.tokens import TokenInvalid

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code", "trace"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "code", "trace")},
        "status": {"type": "integer"},
    },
}
BYTES: Json = {"schema": {"type": "string", "format": "binary"}}
SECURITY: dict[Who, list[Json]] = {
    Who.PUBLIC: [],
    Who.TOKEN: [{"appointment": []}],
    Who.OPERATOR: [{"operator": []}],
    Who.TOKEN_OR_OPERATOR: [{"appointment": []}, {"operator": []}],
}


def document(service: str, routes: Sequence[Route]) -> Json:
    """The whole description of one service; paths carry the prefix under which the service is mounted."""
    models = list(dict.fromkeys(_models(routes)))
    refs, defs = models_json_schema(models, ref_template="#/components/schemas/{model}")
    for schema in defs.get("$defs", {}).values():  # answers leave out what is null
        sent = {n for n, part in schema.get("properties", {}).items() if {"type": "null"} not in part.get("anyOf", [])}
        schema["required"] = [name for name in schema.get("required", []) if name in sent]
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(f"/{service}{route.path}", {})[route.method.lower()] = _operation(service, route, refs)
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Stillpoint {service}",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**defs.get("$defs", {}), "Problem": PROBLEM},
            "securitySchemes": {
                "appointment": {**bearer, "description": "the token that the hold answered"},
                "operator": {**bearer, "description": "the operator's key"},
            },
        },
    }


def _models(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], Mode]]:
    for route in routes:
        for taken in (route.body, route.query):
            if taken is not None:
                yield taken, "validation"
        for given in route.answers.values():
            if given is not None:
                yield given, "serialization"


def _operation(service: str, route: Route, refs: Any) -> Json:
    operation: Json = {
        "operationId": f"{service}_{getattr(route.handler, '__name__', route.summary).strip('_')}",
        "summary": route.summary,
        "tags": [service],
        "parameters": _parameters(route),
        "responses": {**_answers(route, refs), **_refusals(route)},
        "security": SECURITY[route.who],
    }
    if route.body is not None:
        content = {"application/json": {"schema": refs[route.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.form:
        content = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.takes:
        operation["requestBody"] = {"required": True, "content": _media(route.takes)}
    return operation


def _parameters(route: Route) -> list[Json]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{PATH.get(name, ANY_ID)}$"},
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.query is not None:
        schema = route.query.model_json_schema(ref_template="#/components/schemas/{model}")
        required = schema.get("required", [])
        found += [
            {"name": name, "in": "query", "required": name in required, "schema": part}
            for name, part in schema["properties"].items()
        ]
    if route.idempotent:
        schema = {"type": "string", "pattern": "^[!-~]{1,200}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema})
    if route.versioned:
        schema = {"type": "string", "pattern": '^"[0-9]{1,9}"$', "description": "the ETag of what is changed"}
        found.append({"name": "If-Match", "in": "header", "required": False, "schema": schema})
    return found


def _answers(route: Route, refs: Any) -> Json:
    described: Json = {}
    for status, model in route.answers.items():
        described[str(status)] = {"description": route.summary}
        content = {} if model is None else {"application/json": {"schema": refs[model, "serialization"]}}
        content |= _media(route.gives)
        if content:
            described[str(status)]["content"] = content
    return described


def _media(kinds: Iterable[str]) -> Json:
    """Bytes, or JSON that another standard describes."""
    return {kind: {"schema": {"type": "object"}} if kind.endswith("json") else BYTES for kind in kinds}


def _refusals(route: Route) -> Json:
    refused: list[type[Refusal]] = list(route.refuses)
    if route.body or route.query or route.idempotent:
        refused += [InvalidRequest, *([MalformedJson] if route.body else [])]
    if route.who is not Who.PUBLIC:
        refused += [OperatorOnly if route.who is Who.OPERATOR else TokenInvalid]
    by_status: dict[int, list[str]] = {}
    for refusal in dict.fromkeys(refused):
        by_status.setdefault(refusal.kind, []).append(refusal.slug)
    if route.scope:  # what an API key may be told that the operator's never is
        by_status.setdefault(Kind.FORBIDDEN, []).append("scope-missing")
        by_status.setdefault(Kind.NOT_FOUND, []).append("out-of-reach")
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described = {str(s): {"description": ", ".join(slugs), "content": content} for s, slugs in by_status.items()}
    return {**described, "default": {"description": "any other problem", "content": content}}
