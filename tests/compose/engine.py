"""A Docker engine for these tests: the one that answers, else a private one that ends with them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.waiting import until

# Kept from one run to the next: building the base images again would cost a minute.
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stillpoint" / "engine"
STARTS_WITHIN = 60.0
ENDS_WITHIN = 60.0


@asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """The environment variables that lead to the engine."""
    if _answers({}):
        yield {}
        return
    await asyncio.to_thread(_install)
    with _alone():
        host = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        with (folder / "dockerd.log").open("wb") as log:
            daemon = await asyncio.create_subprocess_exec(
                "dockerd", f"--host={host['DOCKER_HOST']}", f"--data-root={KEPT}", f"--exec-root={folder}/exec",
                f"--pidfile={folder}/dockerd.pid", stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            await until(lambda: daemon.returncode is not None or _answers(host), within=STARTS_WITHIN)
            assert daemon.returncode is None, (folder / "dockerd.log").read_text()[-2000:]
            yield host
        finally:
            if daemon.returncode is None:
                daemon.terminate()
                await asyncio.wait_for(daemon.wait(), ENDS_WITHIN)


def _answers(host: Mapping[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    command = ("docker", "version", "--format", "{{.Server.Version}}")
    return (
        subprocess.run(command, env={**os.environ, **host}, capture_output=True, check=False, timeout=30).returncode
        == 0
    )


def _install() -> None:
    if shutil.which("dockerd") and shutil.which("docker") and os.geteuid() == 0:
        return
    if os.geteuid() != 0:
        raise AssertionError("No Docker engine answers; run: sudo apt-get install -y docker.io, or this test as root")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(("apt-get", "update", "-qq"), check=True)
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io")
    subprocess.run(install, env=quiet, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Two engines on one store would destroy it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT.parent / "engine.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AssertionError(f"another run uses the engine in {KEPT}; wait for its end") from None
        yield
