"""HTTP as all three services speak it: declared routes, strict bodies, problem+json, health and metrics."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

import prometheus_client
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from aiohttp_remotes import XForwardedFiltered
from multidict import CIMultiDictProxy
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json, to_json

from shared import broken, telemetry
from shared.clock import Clock, utc_now
from shared.errors import Kind, Refusal
from shared.mongo import UNREACHABLE
from shared.settings import Network
from shared.tokens import Claim, TokenInvalid, Tokens

log = structlog.get_logger()

LARGEST_BODY: Final = 262_144
SUBJECTS: Final = ("appointment", "course", "offer", "waiting")
"""Names in addresses of what a token can be for."""
PATH: Final = {"practice": "[a-z0-9][a-z0-9-]{1,39}"} | dict.fromkeys(SUBJECTS, "[a-z2-7]{26}")
FORM: Final = "application/x-www-form-urlencoded"
PROBLEM: Final = "application/problem+json"
ANY_ID: Final = "[A-Za-z0-9._:=+@~-]{1,160}"
IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")

Body = TypeVar("Body")
Query = TypeVar("Query")


class Payload(BaseModel):
    """Base of every JSON body and query: strict, closed, and silent about what was sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Who(StrEnum):
    """Who may call: anybody, the holder of the appointment's token, the operator, or either of those two."""

    PUBLIC = "public"
    TOKEN = "token"  # noqa: S105  a role, not a secret
    OPERATOR = "operator"
    TOKEN_OR_OPERATOR = "token-or-operator"  # noqa: S105  a role, not a secret


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is: `who` is `public`, `client`, `operator` or what the key's own door calls its holder."""

    who: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[Body, Query]):
    """One request, read and checked. `claim` is None unless a token was shown; `form` holds a urlencoded body.

    `content` is the body as it came.
    """

    path: Mapping[str, str]
    body: Body
    query: Query
    claim: Claim | None
    caller: Caller
    idempotency_key: str | None
    headers: CIMultiDictProxy[str]
    form: Mapping[str, str]
    content: bytes
    request: web.Request


@dataclass(frozen=True, slots=True)
class Answer:
    """`model` goes out as JSON, `text` as `content_type`."""

    status: int
    model: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation, declared once: served by `application`, described by `shared.openapi`.

    One that is `idempotent` takes an Idempotency-Key, one that is `versioned` an If-Match. `takes` and `gives` are the
    media types of a body that is no JSON, `largest` the bytes of any that comes in.
    """

    method: str
    path: str
    handler: Callable[[Any], Awaitable[Answer | web.StreamResponse]]
    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    form: bool = False
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    largest: int = LARGEST_BODY
    refuses: tuple[type[Refusal], ...] = ()
    who: Who = Who.PUBLIC
    scope: str = ""
    idempotent: bool = False
    versioned: bool = False


class MalformedJson(Refusal):
    """The body is not JSON in UTF-8, or is nested beyond reason."""

    slug, kind = "malformed-json", Kind.INVALID


class InvalidRequest(Refusal):
    """A body, query or header does not fit; `errors` lists field and problem, never the value."""

    slug, kind = "invalid-request", Kind.INVALID


class OperatorOnly(Refusal):
    """No operator's key, or a wrong one."""

    slug, kind = "operator-only", Kind.UNAUTHENTICATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a key is shown for: the scope of the route, the practice in its address, and the ids of `SUBJECTS` there."""

    scope: str
    practice: str | None
    subjects: Mapping[str, str]


Keys = Callable[[str, Errand], Awaitable[str | None]]
"""Who the holder of a key is, for the audit; None if there is no such key; raises if it opens other doors only."""


async def no_keys(_: str, __: Errand) -> None:
    """For a service that knows the operator's key alone."""


@dataclass(frozen=True, slots=True)
class Door:
    """What a service's routes need to judge a request: keys, time, and whether its parts are there."""

    tokens: Tokens
    operator_key: str
    ready: Callable[[], Awaitable[Mapping[str, bool]]]
    now: Clock = utc_now
    keys: Keys = no_keys

    async def admit(self, request: web.Request, route: Route) -> tuple[Claim | None, str]:
        """The claim if a token was shown, and who calls; raises what keeps the caller out."""
        if route.who is Who.PUBLIC:
            return None, "public"
        shown = _shown(request)
        if route.who is not Who.TOKEN:
            if hmac.compare_digest(shown.encode(errors="surrogateescape"), self.operator_key.encode()):
                return None, "operator"
            practice = request.match_info.get("practice")
            errand = Errand(scope=route.scope, practice=practice, subjects=_subjects(request))
            if shown and (holder := await self.keys(shown, errand)) is not None:
                return None, holder
        if route.who is Who.OPERATOR:
            raise OperatorOnly("this needs the operator's key or an API key as a bearer token")
        return self.claim(request), "client"

    def claim(self, request: web.Request) -> Claim:
        """What the token says that the request shows for the subject in its address; raises `TokenInvalid`."""
        claim = self.tokens.read(_shown(request) or request.query.get("token", ""), self.now())
        if claim.appointment not in _subjects(request).values():
            raise TokenInvalid("the appointment token is missing, altered or out of date")
        return claim


def _subjects(request: web.Request) -> dict[str, str]:
    return {name: request.match_info[name] for name in SUBJECTS if name in request.match_info}


def _shown(request: web.Request) -> str:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return shown if scheme.lower() == "bearer" else ""


KEPT_OPEN: Final = web.AppKey("kept_open", AsyncExitStack)


def application(name: str, routes: Sequence[Route], kept_open: AsyncExitStack, door: Door) -> web.Application:
    """One service's routes, to be mounted under `/<name>`; closing it closes what `build` opened."""
    from shared.openapi import document  # noqa: PLC0415  it describes this module's routes

    app = web.Application(client_max_size=LARGEST_BODY)
    app[KEPT_OPEN] = kept_open
    for route in routes:
        pattern = re.sub(r"\{(\w+)\}", lambda m: f"{{{m[1]}:{PATH.get(m[1], ANY_ID)}}}", route.path)
        app.router.add_route(route.method, pattern, _handler(route, door), name=None)
    described = to_json(document(name, [route for route in routes if route.path.startswith("/v1/")]))

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        parts = dict(await door.ready())
        is_ready = all(parts.values())
        return web.json_response({"ready": is_ready, "parts": parts}, status=200 if is_ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        kind = {"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        return web.Response(body=prometheus_client.generate_latest(), headers=kind)

    own = {"/v1/openapi.json": openapi, "/health/live": live, "/health/ready": ready, "/metrics": metrics}
    app.router.add_routes([web.get(path, handler) for path, handler in own.items()])

    app.on_cleanup.append(lambda _: kept_open.aclose())
    return app


def _handler(route: Route, door: Door) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        claim, who = await door.admit(request, route)
        answer = await route.handler(await _ask(request, route, claim, Caller(who, request.remote)))
        return _response(answer) if isinstance(answer, Answer) else answer

    return handle


async def _ask(request: web.Request, route: Route, claim: Claim | None, caller: Caller) -> Ask[Any, Any]:
    key = request.headers.get("Idempotency-Key") if route.idempotent else None
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequest("the Idempotency-Key is not 1 to 200 visible ASCII characters")
    if (route.form or route.body) and request.content_type != (FORM if route.form else "application/json"):
        raise web.HTTPUnsupportedMediaType
    try:
        raw = await request.clone(client_max_size=route.largest).read()
    except web.RequestPayloadError as error:
        raise InvalidRequest("the body cannot be read") from error
    return Ask(
        path=request.match_info,
        body=_read(route.body, raw) if route.body else None,
        query=_validated(partial(route.query.model_validate, _query(request))) if route.query else None,
        claim=claim,
        caller=caller,
        idempotency_key=key,
        headers=request.headers,
        form=_form(raw) if route.form else {},
        content=raw,
        request=request,
    )


def _form(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=400))
    except ValueError:
        raise InvalidRequest("the form cannot be read") from None


def _query(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name != "token"}


def _read(model: type[BaseModel], raw: bytes) -> BaseModel:
    try:
        from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson("the body is not JSON") from error
    return _validated(partial(model.model_validate_json, raw, strict=True))


def _validated(read: Callable[[], BaseModel]) -> BaseModel:
    try:
        return read()
    except ValidationError as error:
        errors = [
            {"field": _field(e["loc"], e["type"]), "problem": e["msg"]}
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise InvalidRequest("the request does not fit its schema", errors=errors[:20]) from None


def _field(loc: tuple[int | str, ...], kind: str) -> str:
    known = loc[:-1] if kind == "extra_forbidden" else loc  # an unknown name is the caller's text
    return ".".join(str(part) for part in known)


def _response(answer: Answer) -> web.Response:
    text, kind = answer.text, answer.content_type if answer.text is not None else None
    if answer.model is not None:
        text, kind = answer.model.model_dump_json(by_alias=True, exclude_none=True), "application/json"
    return web.Response(status=answer.status, text=text, content_type=kind, headers=answer.headers)


def problem(status: int, code: str, detail: str, trace: str, extra: Mapping[str, Any]) -> web.Response:
    """RFC 9457, with a stable `code` and the trace id an operator can look for."""
    body = {**extra, "type": f"urn:stillpoint:problem:{code}", "title": code.replace("-", " "), "status": status}
    body |= {"detail": detail, "code": code, "trace": trace}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if wait := extra.get("retry_after", 5 if status == 503 else None):
        headers["Retry-After"] = str(wait)
    return web.Response(status=status, body=to_json(body), content_type=PROBLEM, headers=headers)


@web.middleware
async def doors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Around every request: a trace, an answer for every error, one log line, one measurement."""
    started = time.perf_counter()
    route = _route(request)
    told: dict[str, str | int] = {"http.request.method": request.method, "http.route": route}
    with telemetry.trace(request.headers.get("traceparent")) as trace:
        with telemetry.span(f"{request.method} {route}", lambda: told):
            response = await _answered(request, handler, trace)
            told["http.response.status_code"] = response.status
        if isinstance(response, web.Response) and response.content_type == PROBLEM and broken.is_a_persons(request):
            response = broken.page(response)
        seconds = time.perf_counter() - started
        telemetry.requests.labels(request.method, route, response.status).observe(seconds)
        if not response.prepared:
            response.headers["X-Trace-Id"] = trace
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers["X-Content-Type-Options"] = "nosniff"
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status,
            ms=round(seconds * 1e3, 1),
            trace=trace,
        )
    return response


def _route(request: web.Request) -> str:
    """The address as it was declared; the real one may hold a secret."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


async def _answered(request: web.Request, handler: Any, trace: str) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except Refusal as refusal:
        return problem(refusal.kind, refusal.slug, str(refusal), trace, refusal.extra)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        refused = problem(error.status, (error.reason or "error").lower().replace(" ", "-"), error.reason, trace, {})
        if isinstance(error, web.HTTPMethodNotAllowed):
            refused.headers["Allow"] = error.headers["Allow"]
        return refused
    except UNREACHABLE as error:
        log.warning("request.unavailable", error=type(error).__name__, trace=trace)
        return problem(503, "unavailable", "the database is away for a moment; try again", trace, {})
    except Exception:
        log.exception("request.failed", route=_route(request), trace=trace)
        return problem(500, "internal-error", "something went wrong here; it has been logged", trace, {})
    return response


def behind(proxies: Sequence[Network]) -> Middleware:
    """The client's own address instead of a proxy's; who is no proxy of ours may forward what they like, unheard."""
    forwarded = XForwardedFiltered(frozenset(proxies))

    @web.middleware
    async def real_address(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        peer = ip_address(request.remote) if request.remote else None
        if peer is None or not any(peer in network for network in proxies):
            return await handler(request)
        return await forwarded.middleware(request, handler)

    return real_address


def mounted(apps: Mapping[str, web.Application], *, proxies: Sequence[Network] = ()) -> web.Application:
    """The given services under one origin, each under `/<name>`, possibly behind proxies."""
    middlewares = [doors, behind(proxies)] if proxies else [doors]
    root = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    for name, app in apps.items():
        root.add_subapp(f"/{name}", app)
    return root
