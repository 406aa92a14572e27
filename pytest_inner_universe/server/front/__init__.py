"""The embedded server on a socket: HTTP and WebSocket over the engine, for any client."""

from __future__ import annotations

from .thread import Front as Front
from .thread import Limits as Limits
