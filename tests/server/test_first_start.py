"""The first start with tokens that were made before any server: as in a cluster."""

from __future__ import annotations

import asyncio
import os

import pytest
from sqlalchemy import func, select, update

from steersman.core import tokens
from steersman.core.errors import UserError
from steersman.server import first_start
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import tokens as token_table
from tests.server.conftest import site


def made(kind: tokens.Kind) -> str:
    return tokens.make(kind, os.urandom(20))


def test_an_admin_token_that_was_given_works_and_is_never_shown(platform_on: Platform) -> None:
    given = made(tokens.Kind.PERSONAL)

    async def start() -> None:
        assert await first_start.admin_token(platform_on, given) is None
        assert await first_start.admin_token(platform_on, made(tokens.Kind.PERSONAL)) is None
        async with site(platform_on) as there:
            assert (await there.call("GET", "/api/v1/users", token=given)).status_code == 200

    asyncio.run(start())


def test_servers_that_start_at_once_let_one_worker_in_once(platform_on: Platform) -> None:
    worker = made(tokens.Kind.WORKER)

    async def start() -> None:
        await asyncio.gather(*(first_start.let_in(platform_on, worker) for _ in range(3)))
        digest = token_table.c.digest == tokens.digest(worker)
        query = select(func.count()).select_from(token_table).where(digest)
        assert await platform_on.store.read(lambda tx: tx.value(query)) == 1

    asyncio.run(start())


def test_a_worker_whose_token_was_taken_back_is_not_let_in_again(platform: Platform) -> None:
    worker = made(tokens.Kind.WORKER)
    digest = token_table.c.digest == tokens.digest(worker)

    def take_back(tx: Transaction) -> None:
        tx.execute(update(token_table).where(digest), {"revoked": tx.now})

    async def start() -> None:
        await first_start.let_in(platform, worker)
        await platform.store.write(take_back)
        await first_start.let_in(platform, worker)
        query = select(token_table.c.revoked).where(digest)
        assert await platform.store.read(lambda tx: tx.value(query)) is not None

    asyncio.run(start())


@pytest.mark.parametrize("text", ["", "secret", "steer_pat_short"])
def test_what_is_no_token_is_refused_before_anything_starts(platform: Platform, text: str) -> None:
    with pytest.raises(UserError, match="is none"):
        asyncio.run(first_start.let_in(platform, text))


def test_the_token_of_a_person_lets_no_worker_in(platform: Platform) -> None:
    with pytest.raises(UserError, match="steer_wrk_"):
        asyncio.run(first_start.let_in(platform, made(tokens.Kind.PERSONAL)))
