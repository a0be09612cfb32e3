"""The ledger with nothing else at hand: a ConfigMap for the rows, a Lease for the leadership.

The whole ledger is one object that is replaced by whoever read it last, so a write of somebody who
was replaced meanwhile cannot go through. It holds the newest rows only; a database holds all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from steersman.core.errors import Conflict, NotFound, Unavailable
from steersman.core.schedules.fires import Fire, Key
from steersman.core.schedules.schedule import Cursor
from steersman.cron.kubernetes.base import Api, Object
from steersman.cron.kubernetes.packing import State
from steersman.cron.ledger import plain
from steersman.cron.ledger.base import (
    LEADING,
    Changes,
    Fenced,
    Loaded,
    Request,
    Term,
    Wanted,
)


class ConfigMapLedger:
    """Objects called *name* in *namespace*; *now* and *elapsed* are this machine's clocks."""

    def __init__(
        self, api: Api, namespace: str, name: str, now: Callable[[], float],
        elapsed: Callable[[], float],
    ) -> None:  # fmt: skip
        self._api = api
        self._name = name
        self._now = now
        self._elapsed = elapsed
        self._maps = f"/api/v1/namespaces/{quote(namespace)}/configmaps"
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases"
        self._leases = leases
        self._state: State | None = None
        # What we saw of another's Lease: it has ended once it did not change for its whole time.
        self._seen: tuple[str, float] = ("", 0.0)
        self._renewed = float("-inf")

    # -- leadership ------------------------------------------------------------------------------

    async def lead(self, holder: str, seconds: float = LEADING) -> Term | None:
        """Take or keep the Lease; a new term is written into the ledger before it counts."""
        before = self._elapsed()
        lease = await self._get(self._leases, self._name)
        if lease is None:
            spec = self._spec(holder, 1, seconds)
            try:
                await self._api.call("POST", self._leases, self._object("Lease", spec=spec))
            except Conflict:
                return None
            return await self._begin(holder, 1, before, seconds)
        fence = int(lease["spec"].get("leaseTransitions") or 0)
        mine = lease["spec"].get("holderIdentity") == holder
        if mine and before < self._renewed + seconds:
            await self._renew(lease, holder, fence, seconds)
            self._renewed = before
            return Term(holder, fence, self._now() + seconds)
        if not mine and not self._ended(lease, before):
            return None
        await self._renew(lease, holder, fence + 1, seconds)
        return await self._begin(holder, fence + 1, before, seconds)

    def _ended(self, lease: Object, elapsed: float) -> bool:
        if not lease["spec"].get("holderIdentity"):
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, elapsed)
        return elapsed - self._seen[1] >= float(lease["spec"].get("leaseDurationSeconds") or 0)

    async def _begin(self, holder: str, fence: int, before: float, seconds: float) -> Term:
        while True:
            state = await self._read()
            if state.fence >= fence:
                raise Unavailable("the Lease was taken by another one meanwhile")
            state.fence = fence
            try:
                await self._replace(state)
                break
            except Unavailable:
                if self._elapsed() - before > seconds:
                    raise
        self._renewed = before
        return Term(holder, fence, self._now() + seconds)

    async def _renew(self, lease: Object, holder: str, fence: int, seconds: float) -> None:
        new = {**lease, "spec": self._spec(holder, fence, seconds)}
        await self._api.call("PUT", f"{self._leases}/{quote(self._name)}", new)

    def _spec(self, holder: str, fence: int, seconds: float) -> Object:
        stamp = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": holder,
            "leaseTransitions": fence,
            "leaseDurationSeconds": max(1, round(seconds)),
            "renewTime": stamp,
        }

    async def resign(self, holder: str) -> None:
        """Empty the Lease."""
        lease = await self._get(self._leases, self._name)
        if lease is not None and lease["spec"].get("holderIdentity") == holder:
            fence = int(lease["spec"].get("leaseTransitions") or 0)
            await self._renew(lease, "", fence, 1)
            self._renewed = float("-inf")

    async def leader(self) -> Term | None:
        """Return who led last."""
        lease = await self._get(self._leases, self._name)
        if lease is None:
            return None
        spec = lease["spec"]
        renewed = datetime.fromisoformat(spec["renewTime"]).timestamp()
        until = renewed + float(spec.get("leaseDurationSeconds") or 0)
        return Term(spec.get("holderIdentity") or "", int(spec.get("leaseTransitions") or 0), until)

    # -- rows ------------------------------------------------------------------------------------

    async def load(self) -> Loaded:
        """Read the ledger anew."""
        state = await self._read()
        open_rows = tuple(row for row in state.rows.values() if row.open)
        self._state = state
        return Loaded(tuple(state.cursors.values()), open_rows, state.told)

    async def write(self, fence: int, changes: Changes) -> None:
        """Replace the ledger by itself with *changes*, if nobody else did."""
        state = self._state or await self._read()
        self._state = None
        if state.fence != fence:
            raise Fenced
        state.apply(changes)
        await self._replace_as(fence, state)
        self._state = state
        if changes.done:
            await self._patch_requests(dict.fromkeys(changes.done))

    async def prune(self, fence: int, before: float) -> int:
        """Remove old rows; those beyond what the object holds have gone already."""
        state = self._state or await self._read()
        self._state = None
        if state.fence != fence:
            raise Fenced
        old = [row.key for row in state.rows.values() if not row.open and row.last < before]
        if old:
            for key in old:
                del state.rows[key]
            await self._replace_as(fence, state)
        self._state = state
        return len(old)

    async def _replace_as(self, fence: int, state: State) -> None:
        """Replace the ledger; where another one did, say so if that was its leader."""
        try:
            await self._replace(state)
        except Unavailable:
            if (await self._read()).fence != fence:
                raise Fenced from None
            raise

    async def cursors(self) -> list[Cursor]:
        """Return how far each schedule has come."""
        return sorted((await self._read()).cursors.values())

    async def rows(self, wanted: Wanted) -> list[Fire]:
        """Return rows, the newest first."""
        rows: dict[Key, Fire] = (await self._read()).rows
        found = [row for row in rows.values() if wanted.fits(row)]
        found.sort(key=lambda row: (-row.instant, row.schedule, row.kind))
        return found[: wanted.limit]

    async def _read(self) -> State:
        found = await self._get(self._maps, f"{self._name}-ledger")
        if found is None:
            return State()
        packed = (found.get("data") or {}).get("ledger") or ""
        return State(found["metadata"]["resourceVersion"], packed)

    async def _replace(self, state: State) -> None:
        name = f"{self._name}-ledger"
        body = self._object("ConfigMap", name=name, data={"ledger": state.packed()})
        if state.version:
            body["metadata"]["resourceVersion"] = state.version
            made = await self._api.call("PUT", f"{self._maps}/{quote(name)}", body)
        else:
            try:
                made = await self._api.call("POST", self._maps, body)
            except Conflict as error:
                raise Unavailable("another one began the ledger") from error
        state.version = made["metadata"]["resourceVersion"]

    # -- requests --------------------------------------------------------------------------------

    async def ask(self, request: Request) -> None:
        """Leave a request as one key of an object of its own."""
        text = json.dumps(plain.of_request(request))
        await self._patch_requests({request.id: text})

    async def requests(self) -> list[Request]:
        """Return what is asked and not answered."""
        found = await self._get(self._maps, f"{self._name}-requests")
        state = self._state or await self._read()
        data: dict[str, str] = (found or {}).get("data") or {}
        open_ones = [
            plain.request(json.loads(text))
            for key, text in data.items()
            if key not in state.answered
        ]
        return sorted(open_ones, key=lambda each: (each.at, each.id))

    async def _patch_requests(self, data: dict[str, Any]) -> None:
        name = f"{self._name}-requests"
        try:
            await self._api.call("PATCH", f"{self._maps}/{quote(name)}", {"data": data})
        except NotFound:
            kept = {key: value for key, value in data.items() if value is not None}
            await self._api.call(
                "POST", self._maps, self._object("ConfigMap", name=name, data=kept)
            )

    # -- objects ---------------------------------------------------------------------------------

    def _object(self, kind: str, name: str | None = None, **more: Any) -> Object:
        version = "coordination.k8s.io/v1" if kind == "Lease" else "v1"
        labels = {"app.kubernetes.io/managed-by": "steersman"}
        metadata = {"name": name or self._name, "labels": labels}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}

    async def _get(self, path: str, name: str) -> Object | None:
        try:
            return await self._api.call("GET", f"{path}/{quote(name)}")
        except NotFound:
            return None

    async def close(self) -> None:
        """The API is the caller's."""
