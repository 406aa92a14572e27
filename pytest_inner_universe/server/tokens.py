"""Tokens: who somebody is, signed by this server.

Source: SpacetimeDB signs JSON web tokens with ES256; issuer and subject determine the identity, an expiry of null means
never.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..sats import Identity
from .errors import TokenRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ISSUER = "localhost"
AUDIENCE = "spacetimedb"
SHORT_LIVED = 60
"""Seconds that a token for the start of a WebSocket is good for."""
_LONGEST_CLAIM = 128
_DOTS = 2
"""Between the parts of a token."""


@dataclass(frozen=True)
class Credentials:
    """Somebody who showed a token, or was given one.

    Args:
        identity: Who it is.
        token: The token.
        claims: Its content as JSON, as modules may read it.
    """

    identity: Identity
    token: str
    claims: bytes


class TokenAuthority:
    """Makes and checks tokens with a key of its own, which is made when it is first needed."""

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def public_key(self) -> str:
        """The key that checks the tokens, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def mint(self, issuer: str = ISSUER, subject: str | None = None, lifetime: int | None = None) -> Credentials:
        """Make a token.

        Args:
            issuer: Who vouches.
            subject: For whom; somebody new unless given.
            lifetime: Seconds until it expires; never unless given.
        """
        subject = subject or str(uuid.uuid4())
        identity = Identity.derive(issuer, subject)
        about = {"hex_identity": identity.hex(), "sub": subject, "iss": issuer, "aud": [AUDIENCE]}
        return self._sign(identity, about, lifetime)

    def renew(self, credentials: Credentials, lifetime: int) -> Credentials:
        """Make another token for somebody, with the same claims and an expiry of its own.

        Args:
            credentials: Who it is.
            lifetime: Seconds until the new token expires.
        """
        return self._sign(credentials.identity, json.loads(credentials.claims), lifetime)

    def _sign(self, identity: Identity, about: dict[str, Any], lifetime: int | None) -> Credentials:
        import jwt

        now = int(time.time())
        claims = {**about, "iat": now, "exp": None if lifetime is None else now + lifetime}
        content = json.dumps(claims, separators=(",", ":")).encode()
        # The library refuses to write an expiry of null, which is what servers write, so the parts are put together here.
        token = jwt.PyJWS().encode(content, self._key, algorithm="ES256")
        return Credentials(identity, token, content)

    def check(self, token: str) -> Credentials:
        """Return who a token speaks for; the usual reasons against it have the names that servers give them.

        Raises:
            TokenRefused: It was not signed here, has expired, or says contradictory things.
        """
        import jwt

        if token.count(".") != _DOTS:
            raise TokenRefused("InvalidToken")
        try:
            content = jwt.PyJWS().decode(token, self._key.public_key(), algorithms=["ES256"])
            claims = json.loads(content)
        except jwt.InvalidSignatureError:
            raise TokenRefused("InvalidSignature") from None
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused(str(error)) from None
        except RecursionError:
            raise TokenRefused("it nests too deep") from None
        if not isinstance(claims, dict):
            raise TokenRefused("the claims are no object")
        issuer, subject = claims.get("iss"), claims.get("sub")
        for name, value in (("iss", issuer), ("sub", subject)):
            if not isinstance(value, str) or not 1 <= len(value.encode()) <= _LONGEST_CLAIM:
                raise TokenRefused(f"the claim {name} has to be a text of 1 to {_LONGEST_CLAIM} bytes")
        expiry = claims.get("exp")
        if expiry is not None and (not isinstance(expiry, (int, float)) or expiry <= time.time()):
            raise TokenRefused("ExpiredSignature")
        identity = Identity.derive(str(issuer), str(subject))
        if claims.get("hex_identity", identity.hex()) != identity.hex():
            raise TokenRefused("the claim hex_identity does not fit iss and sub")
        return Credentials(identity, token, content)
