"""`make release`: the same commit gives the same bytes, whoever builds it and when."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

import cyclopts

from deploy.release.materials import materials
from shared import VERSION

PROJECT: Final = Path(__file__).parents[2]
# What it takes to run, to build the images, and to read about it; tests and tools of development stay behind.
PARTS: Final = (
    ".dockerignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "RUNBOOK.md",
    "SECURITY.md",
    "docker-compose.yml",
    "docs",
    "deploy",
    "requirements/booking.txt",
    "requirements/notify.txt",
    "requirements/screening.txt",
    "services",
    "shared",
)
LEFT_OUT: Final = ("deploy/devstack", "deploy/offline-images", "deploy/release")


class NotReleased(Exception):
    """Nothing was made; the message says why."""


def main(*, out: Path = Path("dist"), draft: bool = False) -> None:
    """Make the archive, its bill of materials and the checksums.

    Parameters
    ----------
    out: The folder that they are put into.
    draft: Also from a tree that has changes, or a version that CHANGELOG.md does not name.
    """
    try:
        made = release(out, draft=draft)
    except NotReleased as error:
        sys.exit(str(error))
    for file in made:
        print(f"{file}  {file.stat().st_size:,} bytes")


def release(out: Path, *, draft: bool) -> Sequence[Path]:
    if not draft:
        _check()
    out.mkdir(parents=True, exist_ok=True)
    archive, bill, sums = (out / f"stillpoint-{VERSION}{end}" for end in (".tar.gz", ".cdx.json", ".sha256"))
    archive.write_bytes(packed(_files(), at=int(_git("log", "-1", "--format=%ct"))))
    bill.write_bytes(materials(PROJECT / "requirements", VERSION))
    sums.write_text("".join(f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in (archive, bill)))
    return archive, bill, sums


def packed(files: Iterable[PurePosixPath], *, at: int) -> bytes:
    """All under one folder, of nobody in particular, at the time of the commit."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(files):
            content = (PROJECT / file).read_bytes()
            entry = tarfile.TarInfo(f"stillpoint-{VERSION}/{file}")
            entry.size, entry.mtime = len(content), at
            entry.mode = 0o755 if (PROJECT / file).stat().st_mode & 0o100 else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=at)


def _files() -> list[PurePosixPath]:
    """What git knows, so that nothing that only lies about goes along."""
    found = [PurePosixPath(line) for line in _git("ls-files", "--", *PARTS).splitlines()]
    return [file for file in found if not any(file.is_relative_to(left) for left in LEFT_OUT)]


def _check() -> None:
    if _git("status", "--porcelain"):
        raise NotReleased("the tree has changes; commit them, or say --draft")
    if f"\n## {VERSION}" not in (PROJECT / "CHANGELOG.md").read_text():
        raise NotReleased(f"CHANGELOG.md has no section for {VERSION}; write it, or say --draft")


def _git(*command: str) -> str:
    done = subprocess.run(("git", *command), cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReleased(f"git {command[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    cyclopts.run(main)
