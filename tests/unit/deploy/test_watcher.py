"""What the watcher sees: certificates, disks, members of the database, and times that backups left."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import Metric

from deploy.devstack import ports
from deploy.monitoring import facts, looking
from tests.architecture.tree import ROOT

ENDS = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
DONE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def values(metrics: list[Metric]) -> dict[str, list[float]]:
    return {metric.name: [sample.value for sample in metric.samples] for metric in metrics}


def shown(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts, to the end that is known."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, ENDS - timedelta(days=90), ENDS)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "shown.pem").write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "shown.pem")
    return context


async def test_the_end_of_a_certificate_is_seen_though_nobody_trusts_it(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, out: out.close(), ports.LOOPBACK, 0, ssl=shown(tmp_path))
    async with server:
        address = f"{ports.LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        seen = await asyncio.to_thread(lambda: values(list(looking.certificate("https://a.test", address))))

    assert seen == {
        "stillpoint_certificate_shown": [1],
        "stillpoint_certificate_expiry_timestamp_seconds": [ENDS.timestamp()],
    }


def test_a_gateway_that_shows_no_certificate_is_told_of_and_plain_http_has_none() -> None:
    nobody = f"{ports.LOOPBACK}:{ports.free()}"

    assert values(list(looking.certificate("https://a.test", nobody)))["stillpoint_certificate_shown"] == [0]
    assert list(looking.certificate("http://a.test", nobody)) == []


async def test_members_of_the_database_are_asked_without_a_password(mongo_url: str) -> None:
    address = mongo_url.partition("//")[2].partition("/")[0].rpartition("@")[2]
    nobody = f"{ports.LOOPBACK}:{ports.free()}"

    seen = await asyncio.to_thread(lambda: values(list(looking.database([address, nobody]))))

    assert seen["stillpoint_database_member_up"] == [1, 0]
    assert seen["stillpoint_database_member_primary"] == [1, 0]
    assert len(seen["stillpoint_database_member_answer_seconds"]) == 1


def test_a_disk_has_a_size_and_some_of_it_is_free(tmp_path: Path) -> None:
    seen = values(list(looking.disks([tmp_path])))

    assert 0 < seen["stillpoint_disk_free_bytes"][0] <= seen["stillpoint_disk_size_bytes"][0]


def test_the_time_of_the_last_backup_is_what_it_left(tmp_path: Path) -> None:
    facts.note(tmp_path / "facts", facts.BACKUP, DONE - timedelta(days=1))
    facts.note(tmp_path / "facts", facts.BACKUP, DONE)
    (tmp_path / "facts" / "torn.prom").write_text("stillpoint_backup_last")

    seen = values(list(looking.left_behind(tmp_path / "facts")))

    assert seen == {facts.BACKUP: [DONE.timestamp()], "stillpoint_facts_unreadable": [1]}


def test_what_is_no_fact_of_ours_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "other.prom").write_text('clients{name="Ada"} 1\n')

    assert values(list(looking.left_behind(tmp_path))) == {"stillpoint_facts_unreadable": []}


@pytest.mark.parametrize("name", facts.TOLD)
def test_every_fact_can_be_left_and_read(tmp_path: Path, name: str) -> None:
    facts.note(tmp_path, name, DONE)

    assert values([one for one in facts.left(tmp_path) if isinstance(one, Metric)]) == {name: [DONE.timestamp()]}


def test_a_job_leaves_its_fact_with_the_folder_alone_and_is_told_when_that_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.monitoring", "note", "backup"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STILLPOINT_")}
    left = {**clean, "PYTHONPATH": str(ROOT), "STILLPOINT_WATCH_FACTS": str(tmp_path)}
    nowhere = {**clean, "PYTHONPATH": str(ROOT)}

    assert subprocess.run(command, env=left, cwd=tmp_path, check=False, timeout=60).returncode == 0
    assert [one.name for one in facts.left(tmp_path) if isinstance(one, Metric)] == [facts.BACKUP]
    told = subprocess.run(command, env=nowhere, cwd=tmp_path, check=False, timeout=60, capture_output=True, text=True)
    assert (told.returncode, "STILLPOINT_WATCH_FACTS" in told.stderr) == (2, True)
