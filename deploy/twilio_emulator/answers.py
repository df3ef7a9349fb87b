"""Twilio's JSON answers, and the door that lets nobody in without the account's credentials."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from deploy.twilio_emulator.account import API_VERSION, Account
from deploy.twilio_emulator.checks import Refused


def answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", charset="utf-8")


def problem(status: int, code: int, message: str) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer({"code": code, "message": message, "more_info": more, "status": status}, status)


def door(account: Account) -> Middleware:
    """Basic authentication on Twilio's paths, and every refusal in Twilio's form."""

    @web.middleware
    async def _door(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(f"/{API_VERSION}/"):
            return await handler(request)
        if not _known(request.headers.get("Authorization", ""), account):
            refusal = problem(401, 20003, "Authenticate")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
            return refusal
        try:
            return await handler(request)
        except Refused as refused:
            return problem(refused.status, refused.code, refused.message)
        except web.HTTPNotFound:
            return problem(404, 20404, f"The requested resource {request.path} was not found")
        except web.HTTPMethodNotAllowed:
            return problem(405, 20004, "Method not allowed")

    return _door


def _known(authorization: str, account: Account) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{account.sid}:{account.auth_token}".encode())
