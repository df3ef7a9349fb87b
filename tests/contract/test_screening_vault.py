"""What the vault promises, asked of its twin and of the real one alike."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.screening.ports import Damaged, Forgotten, KeyOwner, Vault
from services.screening.vault import MASTER_KEY_BYTES, KeyVault, Masters
from shared import mongo
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, PRACTICE
from tests.support.waiting import until

CASE = KeyOwner(practice=PRACTICE, subject=APPOINTMENT)
CLIENT = KeyOwner.of_client(PRACTICE, "c" * 20)


@pytest.fixture
async def real(mongo_url: str, database_name: str) -> AsyncIterator[KeyVault]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as keys:
        masters = Masters.at_hand(secrets.token_bytes(MASTER_KEY_BYTES))
        made = await KeyVault.open(keys["keys"], masters, remembered=timedelta(milliseconds=1))
        yield made
        made.close()


@pytest.fixture(params=["twin", "real"])
def vault(request: pytest.FixtureRequest) -> Vault:
    found: Vault = twin.VaultTwin() if request.param == "twin" else request.getfixturevalue("real")
    return found


async def is_forgotten(vault: Vault, sealed: bytes) -> bool:
    with suppress(Forgotten):
        await vault.unseal(sealed)
        return False
    return True


async def test_what_is_forgotten_opens_no_more_and_what_is_of_others_does(vault: Vault) -> None:
    case, client = await vault.seal(CASE, b"answers"), await vault.seal(CLIENT, b"history")
    await vault.forget(CASE.practice, CASE.subject)

    await until(lambda: is_forgotten(vault, case))
    assert await vault.unseal(client) == b"history"


async def test_forgetting_what_is_not_there_is_nothing(vault: Vault) -> None:
    for _ in range(2):
        await vault.forget(CLIENT.practice, CLIENT.subject)
    assert await vault.unseal(await vault.seal(CLIENT, b"history")) == b"history"


async def test_who_comes_back_after_being_forgotten_gets_a_key_that_opens_nothing_of_before(vault: Vault) -> None:
    before = await vault.seal(CLIENT, b"before")
    await vault.forget(CLIENT.practice, CLIENT.subject)
    after = await vault.seal(CLIENT, b"after")

    await until(lambda: is_forgotten(vault, before))
    assert await vault.unseal(after) == b"after"


@pytest.mark.parametrize("spoil", [lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda _: b"", lambda _: b"no such thing"])
async def test_what_was_spoilt_is_damaged_and_the_refusal_says_nothing_of_it(
    vault: Vault, spoil: Callable[[bytes], bytes]
) -> None:
    sealed = await vault.seal(CASE, b"a bleeding disorder")
    with pytest.raises(Damaged) as refused:
        await vault.unseal(spoil(sealed))
    assert "bleeding" not in str(refused.value)
    assert sealed.hex() not in str(refused.value)
