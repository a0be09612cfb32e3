"""Speaking to the API server: objects are plain dictionaries, failures are errors of ours.

The library only finds the cluster and logs in. Whoever is told to wait makes everybody wait: a
storm of requests is not answered by another.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from steersman.cluster.kubernetes import refusals
from steersman.cluster.kubernetes.refusals import Busy, Silent
from steersman.core.errors import Unavailable, UserError
from steersman.patience import Patience

if TYPE_CHECKING:
    import ssl

    import httpx2

    CarriedBy = Callable[[str, ssl.SSLContext], httpx2.AsyncBaseTransport]

TIMEOUT = 30.0
TRIES = 6
"""How often a request is sent to a server that is busy, before that is told."""
NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})
PATCH = "application/merge-patch+json"
METADATA = "application/json;as={kind};v=v1;g=meta.k8s.io,application/json"


class Api:
    """One API server, by an authenticated client of the HTTP library that it owns."""

    def __init__(
        self, http: httpx2.AsyncClient, pause: Patience, namespace: str = "default"
    ) -> None:
        self._http = http
        self.namespace = namespace
        """The namespace that the kubeconfig names."""
        self._pause = pause
        self._free = 0.0

    @property
    def address(self) -> str:
        """Return where the API server is."""
        return str(self._http.base_url)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        parameters: Mapping[str, str] = NO_PARAMETERS,
        headers: Mapping[str, str] = NO_PARAMETERS,
    ) -> dict[str, Any]:
        """Send *body* if there is any, and return the object of the answer."""
        tries = 0
        while True:
            await self._wait()
            tries += 1
            try:
                return await self._once(method, path, body, parameters, headers)
            except Busy as busy:
                self._free = self._pause.now() + self._pause.pause(tries, busy.after)
                if tries >= TRIES:
                    raise

    async def _wait(self) -> None:
        while (left := self._free - self._pause.now()) > 0:
            # Not all at the same moment.
            await self._pause.sleep(left * (1.0 + 0.5 * self._pause.chance()))

    async def _once(
        self,
        method: str,
        path: str,
        body: object,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> dict[str, Any]:
        kind = PATCH if method == "PATCH" else "application/json"
        sent = {"Content-Type": kind, **headers} if body is not None else dict(headers)
        content = None if body is None else json.dumps(body).encode()
        what = f"{method} {path}"
        with translated(f"{what} at {self.address}"):
            answer = await self._http.request(
                method, path, content=content, params=dict(parameters), headers=sent,
                timeout=TIMEOUT,
            )  # fmt: skip
        if not answer.is_success:
            raise _refusal(what, answer)
        try:
            said = json.loads(answer.content)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Unavailable(f"{what} at {self.address}: the answer is no JSON object")
        return said

    async def text(self, path: str, parameters: Mapping[str, str], within: float) -> str:
        """Return an answer that is text: the log of a container."""
        with translated(f"GET {path}"):
            answer = await self._http.get(path, params=dict(parameters), timeout=within)
        if not answer.is_success:
            raise _refusal(f"GET {path}", answer)
        return answer.content.decode("utf-8", "replace")

    @contextlib.asynccontextmanager
    async def stream(
        self,
        path: str,
        parameters: Mapping[str, str],
        silence: float,
        headers: Mapping[str, str] = NO_PARAMETERS,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer that is read as it comes; it may be silent for *silence* seconds."""
        await self._wait()
        async with self._opened("GET", path, None, parameters, headers, silence) as pieces:
            yield pieces

    @contextlib.asynccontextmanager
    async def through(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str],
        silence: float,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Send bytes as they come to what the API server stands before, and open its answer."""
        async with self._opened(method, path, content, NO_PARAMETERS, headers, silence) as pieces:
            yield pieces

    @contextlib.asynccontextmanager
    async def _opened(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        silence: float,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        import httpx2

        times = httpx2.Timeout(TIMEOUT, read=silence)
        with translated(f"{method} {path} at {self.address}"):
            asked = self._http.build_request(
                method, path, content=content, params=dict(parameters) or None,
                headers=dict(headers), timeout=times,
            )  # fmt: skip
            answer = await self._http.send(asked, stream=True)
            try:
                if not answer.is_success:
                    await answer.aread()
                    raise _refusal(f"{method} {path}", answer)
                yield answer.aiter_bytes()
            finally:
                await answer.aclose()


def _refusal(what: str, answer: httpx2.Response) -> Exception:
    said = refusals.status(answer.content)
    return refusals.error(what, answer.status_code, said, answer.headers.get("retry-after"))


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Make errors of the HTTP library ours."""
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        raise Silent(f"{what}: no answer in time") from error
    except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
        words = str(error) or type(error).__name__
        raise Unavailable(f"{what}: {words}", hint=_hint(words)) from error


def _hint(words: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "name who signed its certificate: in the kubeconfig, or by --kube-ca-file"
    return "is the API server up?"


def connect(
    pause: Patience, kubeconfig: Path | None = None, carried_by: CarriedBy | None = None
) -> Api:
    """Find the cluster: by *kubeconfig*, else as a pod of it, else by KUBECONFIG or the home.

    *carried_by* makes what carries the requests, of an address and the certificates to trust.
    """
    try:
        from lightkube.config.client_adapter import AsyncClient, ConnectionParams, verify_cluster
        from lightkube.config.kubeconfig import PROXY_CONF, KubeConfig
        from lightkube.core.exceptions import ConfigError
    except ImportError as error:
        what = "speaking to Kubernetes needs a library that is not installed"
        raise UserError(what, hint="pip install 'steersman[kubernetes]'") from error
    try:
        found = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
        one = found.get(default=PROXY_CONF) or PROXY_CONF
        how = ConnectionParams()
        if carried_by is not None and one.user is not None:
            trusted = verify_cluster(one.cluster, one.user, one.abs_file)
            carrier = carried_by(one.cluster.server, trusted)
            how = ConnectionParams(transport=carrier)  # type: ignore[arg-type] # theirs is too narrow
        return Api(AsyncClient(one, how), pause, one.namespace)
    except (ConfigError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"no cluster can be found: {error}",
            hint="name a kubeconfig by --kubeconfig or KUBECONFIG, or run in a pod",
        ) from error
