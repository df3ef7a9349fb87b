"""The doctor's looks at clock and certificate, which no system on one machine can have wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.stillpoint.checks.finding import Finding, Verdict
from deploy.stillpoint.checks.origin import origin, skew
from deploy.stillpoint.checks.settings import Known, settings
from shared.clock import utc_now

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("off", "verdict"),
    [(timedelta(), Verdict.GOOD), (timedelta(seconds=29), Verdict.GOOD), (timedelta(minutes=-3), Verdict.BAD)],
)
async def test_a_clock_is_held_against_somebody_elses(off: timedelta, verdict: Verdict) -> None:
    found = await skew("Twilio", format_datetime(NOW + off, usegmt=True), lambda: NOW)

    assert found.verdict is verdict
    assert bool(found.to_do) is (verdict is Verdict.BAD)


@pytest.mark.parametrize("told", ["", "yesterday"])
async def test_whoever_tells_no_time_is_no_witness(told: str) -> None:
    assert (await skew("Twilio", told, lambda: NOW)).verdict is Verdict.LOOK


async def all_of(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [one async for one in findings]


async def test_a_public_origin_without_tls_is_bad_and_its_name_is_looked_up() -> None:
    found = await all_of(origin("http://practice.invalid", None, utc_now))

    assert [one.told for one in found if one.verdict is Verdict.BAD] == [
        "http://practice.invalid is not https",
        *["the name practice.invalid leads nowhere"] * 3,
    ]


async def test_an_origin_of_this_machine_alone_is_asked_for_beside_the_services() -> None:
    found = await all_of(origin("http://localhost:1", "http://127.0.0.1:1/{service}", utc_now))

    assert found[0].verdict is Verdict.LOOK
    assert "127.0.0.1:1/booking/booking/v1/openapi.json does not answer" in found[1].told


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose `ca.pem` the checks believe."""
    file = tmp_path / "ca.pem"
    plain = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: plain(cafile=file))
    return tmp_path


@asynccontextmanager
async def speaking_tls(folder: Path, *, days: int) -> AsyncIterator[int]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    none = serialization.NoEncryption()
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
    (folder / "ca.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("days", "verdict"), [(60, Verdict.GOOD), (5, Verdict.LOOK)])
async def test_a_certificate_that_soon_ends_is_looked_at(trusted: Path, days: int, verdict: Verdict) -> None:
    async with speaking_tls(trusted, days=days) as port:
        found = await all_of(origin(f"https://localhost:{port}", None, utc_now))

    assert [one.verdict for one in found if one.area == "tls"] == [verdict]


async def test_a_certificate_that_nobody_knows_is_bad(tmp_path: Path) -> None:
    async with speaking_tls(tmp_path, days=60) as port:
        found = await all_of(origin(f"https://localhost:{port}", None, utc_now))

    [tls] = [one for one in found if one.area == "tls"]
    assert tls.verdict is Verdict.BAD
    assert "is not trusted" in tls.told


def test_equal_keys_are_named_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "0123456789abcdefghijklmnopqrstuvwxyz"
    for name in ("SIGNING_KEY", "OPERATOR_KEY", "NOTIFY_NUMBER_KEY"):
        monkeypatch.setenv(f"STILLPOINT_{name}", key)

    found = list(settings(Known()))

    [same] = [one for one in found if "are the same" in one.told]
    assert same.told.startswith("STILLPOINT_NOTIFY_NUMBER_KEY, STILLPOINT_OPERATOR_KEY, STILLPOINT_SIGNING_KEY")
    assert not any(key in one.told + one.to_do for one in found)
