"""A release: the same bytes from the same commit, everything to run from, and a bill of all that is in it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.release import __main__ as release
from deploy.release.materials import locked
from shared import VERSION

PROJECT = Path(__file__).parents[3]
COMPOSE = Path(sys.executable).with_name("docker-compose")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("release")
    release.release(out, draft=True)
    return out


def test_the_same_commit_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    release.release(tmp_path, draft=True)

    assert {file.name: file.read_bytes() for file in made.iterdir()} == {
        file.name: file.read_bytes() for file in tmp_path.iterdir()
    }


def test_the_checksums_are_those_of_what_is_handed_out(made: Path) -> None:
    lines = (made / f"stillpoint-{VERSION}.sha256").read_text().splitlines()

    assert {line.split("  ")[1]: line.split("  ")[0] for line in lines} == {
        name: hashlib.sha256((made / name).read_bytes()).hexdigest()
        for name in (f"stillpoint-{VERSION}.tar.gz", f"stillpoint-{VERSION}.cdx.json")
    }


def test_the_bill_is_valid_and_names_every_package_of_the_image_with_its_digests(made: Path) -> None:
    text = (made / f"stillpoint-{VERSION}.cdx.json").read_text()
    bill = json.loads(text)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    packages = locked(PROJECT / "requirements")
    assert len(packages) > 40
    assert {(one["name"], one["version"]) for one in bill["components"]} == set(packages)
    assert all(one["hashes"] and one["purl"].startswith("pkg:pypi/") for one in bill["components"])
    assert bill["metadata"]["component"]["version"] == VERSION


def test_what_is_in_the_archive_is_enough_for_compose_and_no_more(made: Path, tmp_path: Path) -> None:
    with tarfile.open(made / f"stillpoint-{VERSION}.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    folder = tmp_path / f"stillpoint-{VERSION}"
    assert {"README.md", "RUNBOOK.md", "SECURITY.md", "LICENSE", "docker-compose.yml"} <= {
        file.name for file in folder.iterdir()
    }
    assert not (folder / "tests").exists()
    assert not (folder / "deploy" / "devstack").exists()

    environment = {**os.environ, "STILLPOINT_SECRETS": str(tmp_path / "secrets")}
    subprocess.run((folder / "deploy" / "secrets.sh",), cwd=folder, env=environment, check=True, capture_output=True)
    told = subprocess.run(
        (COMPOSE, "--env-file", os.devnull, "config", "--format", "json"),
        cwd=folder, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    config = json.loads(told.stdout)
    builds = [service["build"] for service in config["services"].values() if "build" in service]
    assert builds
    for build in builds:
        assert (Path(build["context"]) / build["dockerfile"]).exists()
        for line in (Path(build["context"]) / build["dockerfile"]).read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                missing = [name for name in line.split()[1:-1] if not (folder / name).exists()]
                assert missing == []


def test_a_version_that_nobody_wrote_about_is_not_released(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(release, "VERSION", "99.0.0")
    monkeypatch.setattr(release, "_git", lambda *_: "")

    with pytest.raises(release.NotReleased, match=r"no section for 99\.0\.0"):
        release.release(tmp_path, draft=False)
    assert list(tmp_path.iterdir()) == []


def test_files_are_of_nobody_and_of_one_moment() -> None:
    packed = release.packed([PurePosixPath("LICENSE"), PurePosixPath("deploy/secrets.sh")], at=1_700_000_000)

    assert packed == release.packed([PurePosixPath("deploy/secrets.sh"), PurePosixPath("LICENSE")], at=1_700_000_000)
