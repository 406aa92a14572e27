"""Tokens: who they speak for, and which are refused."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.errors import TokenRefused
from pytest_inner_universe.server.tokens import TokenAuthority


@pytest.fixture(scope="module")
def authority() -> TokenAuthority:
    return TokenAuthority()


def content_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return content


def signed(authority: TokenAuthority, claims: object) -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), authority._key, algorithm="ES256")


def reason(authority: TokenAuthority, token: str) -> str:
    with pytest.raises(TokenRefused) as caught:
        authority.check(token)
    assert str(caught.value) == f"the token was refused: {caught.value.reason}"
    return caught.value.reason


def test_a_token_speaks_for_its_issuer_and_subject(authority: TokenAuthority) -> None:
    made = authority.mint(subject="somebody")
    assert made.identity == Identity.derive("localhost", "somebody")
    assert authority.check(made.token) == made


def test_a_token_has_the_claims_of_a_server(authority: TokenAuthority) -> None:
    made = authority.mint(subject="somebody")
    claims = content_of(made.token)
    assert abs(claims.pop("iat") - time.time()) < 60
    assert claims == {
        "hex_identity": made.identity.hex(),
        "sub": "somebody",
        "iss": "localhost",
        "aud": ["spacetimedb"],
        "exp": None,
    }
    assert json.loads(made.claims) == content_of(made.token)


def test_without_a_subject_everybody_is_somebody_new(authority: TokenAuthority) -> None:
    assert len({authority.mint().identity for _ in range(3)}) == 3


def test_another_token_for_the_same_claims(authority: TokenAuthority) -> None:
    first = authority.check(signed(authority, {"iss": "elsewhere", "sub": "me", "role": "admin"}))
    second = authority.check(authority.renew(first, 60).token)
    assert second.identity == first.identity
    claims = json.loads(second.claims)
    assert (claims["role"], claims["exp"] - claims["iat"]) == ("admin", 60)


def test_the_public_key_checks_tokens(authority: TokenAuthority) -> None:
    assert jwt.PyJWS().decode(authority.mint().token, authority.public_key, algorithms=["ES256"])


def test_an_expired_token_is_refused(authority: TokenAuthority) -> None:
    assert reason(authority, authority.mint(lifetime=-1).token) == "ExpiredSignature"


def test_a_token_of_another_server_is_refused(authority: TokenAuthority) -> None:
    assert reason(authority, TokenAuthority().mint().token) == "InvalidSignature"


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ([], "the claims are no object"),
        ({}, "the claim iss has to be a text of 1 to 128 bytes"),
        ({"iss": "x"}, "the claim sub has to be a text of 1 to 128 bytes"),
        ({"iss": "", "sub": "y"}, "the claim iss has to be a text of 1 to 128 bytes"),
        ({"iss": "x" * 129, "sub": "y"}, "the claim iss has to be a text of 1 to 128 bytes"),
        ({"iss": 1, "sub": "y"}, "the claim iss has to be a text of 1 to 128 bytes"),
        ({"iss": "x", "sub": "y", "exp": "soon"}, "ExpiredSignature"),
        ({"iss": "x", "sub": "y", "hex_identity": "00"}, "the claim hex_identity does not fit iss and sub"),
    ],
)
def test_claims_that_make_no_sense_are_refused(authority: TokenAuthority, claims: object, text: str) -> None:
    assert reason(authority, signed(authority, claims)) == text


def test_an_algorithm_of_the_senders_choice_is_refused(authority: TokenAuthority) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(b'{"iss":"x","sub":"y"}').rstrip(b"=")
    assert reason(authority, b".".join([head, body, b""]).decode()) == "The specified alg value is not allowed"
    key = ec.generate_private_key(ec.SECP384R1())
    assert (
        reason(authority, jwt.encode({"iss": "x"}, key, algorithm="ES384")) == "The specified alg value is not allowed"
    )


@pytest.mark.parametrize("token", ["", "x", "not.a.token", "a.b.c.d", "\x00.\x00.\x00", "é.é.é", "." * 9000])
def test_garbage_is_refused(authority: TokenAuthority, token: str) -> None:
    assert reason(authority, token)


def test_hostile_nesting_is_refused(authority: TokenAuthority) -> None:
    nested = b"[" * 100_000
    head = base64.urlsafe_b64encode(nested).decode()
    assert "recursion" in reason(authority, f"{head}.e30.e30") or "nests" in reason(authority, f"{head}.e30.e30")
    token = jwt.PyJWS().encode(nested, authority._key, algorithm="ES256")
    assert reason(authority, token) == "it nests too deep"
