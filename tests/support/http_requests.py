"""Requests over HTTP without a client library, so that tests see what goes over the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Requests:
    """A client of one server; every request has a connection of its own."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        bearer: str | None = None,
        headers: Any = None,
        **params: str,
    ) -> Answer:
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=20)
        sent = dict(headers or {})
        bearer = bearer or self.token
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        query = f"?{urlencode(params)}" if params else ""
        data = body.encode() if isinstance(body, str) else body
        try:
            connection.request(method, path + query, data, sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
