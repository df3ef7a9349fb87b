"""Where a master key may come from, and what is said when it does not."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.screening.settings import RegisterSettings, VaultSettings
from services.screening.vault import Masters
from services.screening.vault.masters import name_of
from services.screening.vault.material import check_private, key_in
from tests.support.kmip_server import AUTHORITY, CLIENT, make_certificates


def in_base64(key: bytes) -> str:
    return base64.b64encode(key).decode()


KEY, OTHER = secrets.token_bytes(96), secrets.token_bytes(96)
SHOWN = in_base64(KEY)


def settings(**given: Any) -> VaultSettings:
    return VaultSettings(mongo_url="mongodb://nobody", **given)


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as error:
        settings(**given)
    [one] = error.value.errors(include_url=False, include_context=False)
    return str(one["msg"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "master"
    made.touch(mode=0o600)
    made.write_text(SHOWN + "\n")
    return made


@pytest.fixture
def server(tmp_path: Path) -> dict[str, Any]:
    make_certificates(tmp_path)
    return {
        "screening_kmip_endpoint": "127.0.0.1:5696",
        "screening_kmip_ca_file": tmp_path / AUTHORITY,
        "screening_kmip_cert_file": tmp_path / CLIENT,
    }


def test_a_master_key_comes_from_the_environment_or_from_a_file(file: Path) -> None:
    assert settings(screening_master_key=SHOWN).masters == Masters.at_hand(KEY)
    assert settings(screening_master_key_file=file).masters == Masters.at_hand(KEY)


def test_there_is_one_current_master_key() -> None:
    assert "must be 96 bytes" in refused(screening_master_key=f"{SHOWN},{in_base64(OTHER)}")


def test_a_master_key_at_a_key_server_is_named_by_its_id(server: dict[str, Any]) -> None:
    masters = settings(screening_kmip_key_id="17", **server).masters
    assert str(masters.current) == "kmip:17"
    assert masters.providers == {"kmip": {"endpoint": "127.0.0.1:5696"}}


def test_a_key_server_without_a_key_id_opens_what_was_wrapped_there_earlier(server: dict[str, Any]) -> None:
    masters = settings(screening_master_key=SHOWN, **server).masters
    assert str(masters.current) == name_of(KEY)
    assert set(masters.providers) == {name_of(KEY), "kmip"}


def test_earlier_keys_come_from_both_places_too(file: Path) -> None:
    masters = settings(
        screening_master_key=in_base64(OTHER),
        screening_earlier_master_keys=SHOWN,
        screening_earlier_master_key_files=str(file),
    ).masters
    assert masters == Masters.at_hand(OTHER, KEY)


def test_none_or_two_master_keys_are_refused_by_the_names_of_the_settings(file: Path) -> None:
    assert (
        "STILLPOINT_SCREENING_MASTER_KEY_FILE and STILLPOINT_SCREENING_KMIP_KEY_ID is to be set, not none" in refused()
    )
    both = refused(screening_master_key=SHOWN, screening_master_key_file=file)
    assert refused(screening_master_key="").endswith("not none")
    assert both.endswith("not STILLPOINT_SCREENING_MASTER_KEY and STILLPOINT_SCREENING_MASTER_KEY_FILE")


def test_a_key_at_a_key_server_needs_the_server_and_the_server_its_certificates(server: dict[str, Any]) -> None:
    assert "KMIP_ENDPOINT" in refused(screening_kmip_key_id="17")
    assert "CERT_FILE" in refused(screening_kmip_key_id="17", screening_kmip_endpoint="127.0.0.1:5696")
    with pytest.raises(ValidationError):
        RegisterSettings(screening_kmip_endpoint="")


@pytest.mark.parametrize("wrong", ["short", in_base64(KEY[:95]), SHOWN[:-1] + "!", "ä"])
@pytest.mark.parametrize("way", ["screening_master_key", "screening_earlier_master_keys"])
def test_what_is_no_master_key_is_refused_without_repeating_it(way: str, wrong: str) -> None:
    given = {"screening_master_key": SHOWN} | {way: wrong}
    with pytest.raises(ValidationError) as error:
        settings(**given)
    assert "must be 96 bytes in base64" in str(error.value)
    assert wrong not in str(error.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_is_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert f"chmod 600 {file}" in refused(screening_master_key_file=file)
    assert f"chmod 600 {file}" in refused(screening_master_key=SHOWN, screening_earlier_master_key_files=str(file))


def test_a_missing_a_short_and_a_binary_file_are_refused(file: Path, tmp_path: Path) -> None:
    assert "No such file" in refused(screening_master_key_file=tmp_path / "nowhere")
    assert "is no file" in refused(screening_master_key_file=_closed(tmp_path / "folder"))
    for wrong in (SHOWN.encode()[:-4], b"\xff" * 96, b""):
        file.write_bytes(wrong)
        assert str(file) in refused(screening_master_key_file=file)


def test_a_mounted_secret_may_have_the_mode_of_the_engine_but_nobody_else_may_write_it(
    file: Path, tmp_path: Path
) -> None:
    file.chmod(0o444)
    assert key_in(file, mounted=tmp_path) == KEY
    with pytest.raises(ValueError, match="chmod 600"):
        check_private(file, mounted=tmp_path / "elsewhere")
    file.chmod(0o446)
    with pytest.raises(ValueError, match="written by others"):
        check_private(file, mounted=tmp_path)


def test_a_link_out_of_the_mounted_secrets_is_no_mounted_secret(file: Path, tmp_path: Path) -> None:
    file.chmod(0o444)
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (mounted / "master").symlink_to(file)
    with pytest.raises(ValueError, match="chmod 600"):
        check_private(mounted / "master", mounted=mounted)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 12_345, -1)
    with pytest.raises(ValueError, match="another user"):
        check_private(file)


def test_a_certificate_without_its_key_or_open_to_others_is_refused(server: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / CLIENT).chmod(0o644)
    assert "chmod 600" in refused(screening_kmip_key_id="17", **server)
    (tmp_path / CLIENT).chmod(0o600)
    (tmp_path / CLIENT).write_bytes((tmp_path / AUTHORITY).read_bytes())
    assert "does not hold a certificate and its private key" in refused(screening_kmip_key_id="17", **server)
    assert "is no file with certificates" in refused(
        screening_kmip_key_id="17", **server | {"screening_kmip_ca_file": tmp_path / "nowhere"}
    )


def test_nothing_shows_a_master_key(file: Path) -> None:
    made = settings(screening_master_key=SHOWN, screening_earlier_master_keys=in_base64(OTHER))
    for shown in (repr(made), repr(made.masters)):
        assert SHOWN not in shown
        assert repr(KEY)[2:20] not in shown


def _closed(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def test_a_mounted_secret_of_earlier_keys_that_is_empty_holds_none(tmp_path: Path) -> None:
    (tmp_path / "stillpoint_screening_master_key").write_text(SHOWN + "\n")
    (tmp_path / "stillpoint_screening_earlier_master_keys").touch()
    assert settings(_secrets_dir=tmp_path).masters == Masters.at_hand(KEY)
    (tmp_path / "stillpoint_screening_earlier_master_keys").write_text(in_base64(OTHER) + "\n")
    assert settings(_secrets_dir=tmp_path).masters == Masters.at_hand(KEY, OTHER)
