"""A server for workers: as little of the real one as they can notice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2

from steersman.client import Client


class FakeServer:
    """Grants what is queued, and remembers what was said.

    *away* makes every request fail, a *status* is the answer to each; *doubles* grants everything
    a second time.
    """

    def __init__(self) -> None:
        self.queue: list[str] = []
        self.leases: dict[str, int] = {}
        self.over: set[str] = set()
        self.others: set[str] = set()
        self.wanted: dict[str, dict[str, Any]] = {}
        self.refuses: dict[str, str] = {}
        self.renewals: list[dict[str, Any]] = []
        self.cancelled: set[str] = set()
        self.reports: list[tuple[str, str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.away = False
        self.status: int | None = None
        self.refused = 0
        self.missed: list[str] = []
        self.doubles = False
        self.moved = asyncio.Event()

    def client(self) -> Client:
        return Client("http://ci.test", "secret", transport=httpx2.MockTransport(self._answer))

    def put(self, *attempts: str) -> None:
        self.queue += attempts
        self.moved.set()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            self.missed.append(request.url.path)
            self.moved.set()
            raise httpx2.ConnectError("nobody is there")
        if self.status is not None:
            self.refused += 1
            return httpx2.Response(self.status, json={"detail": "not with this token"})
        said = json.loads(request.content)
        name = request.url.path.removeprefix("/worker/v1/")
        answer = {"lease": self._lease, "renew": self._renew, "report": self._report}[name]
        response = httpx2.Response(200, json=await answer(said))
        if self.away:
            raise httpx2.ReadError("cut off")
        self.moved.set()
        return response

    async def _lease(self, said: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(said)
        while not self.queue:
            self.moved.clear()
            await self.moved.wait()
            if self.away:
                raise httpx2.ReadError("cut off")
        taken = [self.queue.pop(0) for _ in range(min(said["take"], len(self.queue)))]
        given = [self._grant(each) for each in taken]
        return {"granted": given + given * self.doubles}

    def _grant(self, attempt: str, *, adopted: bool = False) -> dict[str, Any]:
        self.leases[attempt] = self.leases.get(attempt, 0) + 1
        more: dict[str, Any] = {}
        if attempt in self.wanted:
            more["wanted"] = self.wanted[attempt]
        if attempt in self.refuses:
            more |= {"wanted": None, "refused": self.refuses[attempt]}
        return more | {
            "attempt": attempt,
            "lease": self.leases[attempt],
            "token": f"token of {attempt}",
            "project": "p",
            "run": "r",
            "job": "build",
            "number": 1,
            "pool": "default",
            "adopted": adopted,
            "cancelled": attempt in self.cancelled,
        }

    async def _renew(self, said: dict[str, Any]) -> dict[str, Any]:
        self.renewals.append(said)
        names = [each["attempt"] for each in said["held"]]
        known = self.over | self.others
        found = [each for each in said["adopt"] if each not in known]
        return {
            "stop": [each for each in names if each in self.cancelled],
            "gone": [each for each in names + said["adopt"] if each in self.over],
            "others": [each for each in names + said["adopt"] if each in self.others],
            "adopted": [self._grant(each, adopted=True) for each in found],
        }

    async def _report(self, said: dict[str, Any]) -> dict[str, str]:
        known = said["attempt"] not in self.over
        self.over.add(said["attempt"])
        self.reports.append((said["attempt"], said["kind"], said.get("reason", "")))
        return {"hearing": "news" if known else "fenced"}
