"""Sends requests over HTTP and returns answers, whatever their status."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import AnswerLost, BadAnswer, RequestTimeout, ServerUnreachable
from .tls import trusted

if TYPE_CHECKING:
    import ssl as tls
    from os import PathLike

    import aiohttp


_LARGE = 16 * 1024
NO_ADDRESS = "it is no address, which looks like http://127.0.0.1:3000"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Args:
        request: Method and path of what it answers.
        status: The status.
        text: The body.
        is_from_database_route: Whether the server says as whom it took the request, which it does wherever it knows the route.
        is_about_token: Whether it got no further than the token.
    """

    request: str
    status: int
    text: str
    is_from_database_route: bool
    is_about_token: bool


class Requester:
    """Sends requests as somebody; see `HttpApi` for the arguments."""

    def __init__(
        self,
        base_url: str,
        token: str | None,
        timeout: float | None,
        ssl: tls.SSLContext | str | PathLike[str] | None,
    ) -> None:
        self.url = base_url.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._timeout = timeout
        self._ssl = trusted(ssl)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections that are kept open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._ssl),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        parameters: Mapping[str, str],
        content_type: str | None = None,
    ) -> Answer:
        """Send a request and return the answer.

        Args:
            method: ``GET`` and so on.
            path: The path, with everything quoted that has to be.
            body: What to send along.
            parameters: What to put behind the path.
            content_type: What the body is.

        Raises:
            ServerUnreachable: No server could be reached; `AnswerLost` if it was, but went away.
            RequestTimeout: It took too long.
            BadAnswer: What came is no HTTP, or no text.
        """
        request = f"{method} {path}"
        headers = dict(self._headers)
        if content_type is not None:
            headers["Content-Type"] = content_type
        if body is not None and len(body) > _LARGE:
            # A server that refuses does not read a large body to its end, and the next request would suffer for that.
            headers["Connection"] = "close"
        async with self._exchange(request, parameters, data=body, headers=headers) as response:
            return await _whole(request, response)

    async def lines(self, path: str, parameters: Mapping[str, str]) -> AsyncGenerator[str | Answer, None]:
        """Ask for an answer that may go on for ever, and yield its lines as they come, for as long as that takes.

        Args:
            path: The path, with everything quoted that has to be.
            parameters: What to put behind the path.

        Yields:
            A line without its end; an answer with an error as a whole instead.

        Raises:
            ClientError: As `send` does.
        """
        import aiohttp

        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout)
        request, rest = f"GET {path}", b""
        async with self._exchange(request, parameters, headers=dict(self._headers), timeout=patience) as response:
            if response.status >= 400:
                yield await _whole(request, response)
                return
            async for part in response.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield line.decode()
            if rest:
                yield rest.decode()

    @asynccontextmanager
    async def _exchange(
        self, request: str, parameters: Mapping[str, str], **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give the answer to a request, and say in our words what goes wrong until it has been read."""
        import aiohttp
        from yarl import URL

        method, path = request.split(" ", 1)
        try:
            url = URL(f"{self.url}{path}", encoded=True).with_query(dict(parameters) or None)
            async with self._open_session().request(
                method, url, allow_redirects=False, skip_auto_headers=("Content-Type",), **options
            ) as response:
                yield response
        except (asyncio.TimeoutError, aiohttp.ServerTimeoutError):
            raise RequestTimeout(f"the answer to {request}", self._timeout or 0) from None
        except UnicodeDecodeError:
            raise BadAnswer(request, "it is no UTF-8") from None
        except aiohttp.ClientConnectorError as error:
            raise ServerUnreachable(self.url, told(error)) from error
        except ValueError:  # which aiohttp.InvalidURL is, too
            raise ServerUnreachable(self.url, NO_ADDRESS) from None
        except aiohttp.ClientResponseError as error:
            raise BadAnswer(
                request, f"it is no HTTP: {error.message.splitlines()[0] if error.message else error}"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AnswerLost(self.url, told(error)) from error


async def _whole(request: str, response: aiohttp.ClientResponse) -> Answer:
    text = await response.text("utf-8")
    is_known = "spacetime-identity" in response.headers
    return Answer(request, response.status, text, is_known, response.status == 401 and not is_known)


def database_path(name: str) -> str:
    """Return the path of a database.

    Args:
        name: Its name, or its identity as 64 hexadecimal digits.
    """
    if not name:
        raise ValueError("a database has a name or an identity, got an empty text")
    return f"/v1/database/{quote(name, safe='')}"


def told(error: BaseException) -> str:
    """Return what an error of the network says, in short."""
    import socket
    import ssl as tls

    inner: Any = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, tls.SSLCertVerificationError):
        return f"its certificate is not trusted: {inner.verify_message}"
    if isinstance(inner, OSError) and inner.errno and not isinstance(inner, (tls.SSLError, socket.gaierror)):
        return os.strerror(inner.errno)  # asyncio's words tell the address once more, and not what is wrong
    return str(getattr(inner, "strerror", None) or inner) or type(inner).__name__
