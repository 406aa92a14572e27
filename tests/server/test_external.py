from __future__ import annotations

import socket

import pytest
from support.sockets import refusing_port

from pytest_inner_universe.server.errors import ForeignDatabase, InvalidName, ServerGone, ServerRefused
from pytest_inner_universe.server.external import ExternalServer, check_allowed
from pytest_inner_universe.server.names import DatabaseNames

PUBLIC = "https://8.8.8.8:3000"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3000",
        "http://LOCALHOST.",
        "http://127.0.0.1:3000",
        "http://127.9.9.9",
        "http://[::1]:3000",
        "http://10.1.2.3",
        "http://172.16.0.1",
        "https://192.168.1.1:3000/",
        "http://[fd00::1]",
        "http://169.254.1.1",
    ],
)
def test_this_machine_and_private_networks_need_no_consent(url: str) -> None:
    check_allowed(url)


@pytest.mark.parametrize("url", [PUBLIC, "http://172.32.0.1", "http://[2001:4860:4860::8888]", "http://0.0.0.0:3000"])
def test_every_other_address_needs_consent(url: str) -> None:
    with pytest.raises(ServerRefused):
        check_allowed(url)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ServerRefused) as caught:
        check_allowed(PUBLIC)
    assert str(caught.value) == (
        "tests do not touch https://8.8.8.8:3000: 8.8.8.8 is neither this machine nor in a private network\n"
        "  if that is what you want, both are needed, and missing is\n"
        "  - its name in the list of allowed hosts: --universe-allow=8.8.8.8\n"
        "  - the whole address once more, as consent: --universe-confirm=https://8.8.8.8:3000"
    )


@pytest.mark.parametrize(
    ("allow", "confirm", "missing"),
    [
        (["8.8.8.8"], None, 1),
        (["8.8.8.8:3000"], "https://8.8.8.8:3001", 1),
        (["8.8.8.8:3001"], PUBLIC, 1),
        (["8.8.8"], PUBLIC, 1),
        ([], PUBLIC, 1),
        ([], "yes", 2),
        (["8.8.8.8"], PUBLIC, 0),
        ([" 8.8.8.8:3000 "], f"{PUBLIC}/", 0),
    ],
)
def test_both_consents_are_needed(allow: list[str], confirm: str | None, missing: int) -> None:
    if not missing:
        check_allowed(PUBLIC, allow, confirm)
        return
    with pytest.raises(ServerRefused) as caught:
        check_allowed(PUBLIC, allow, confirm)
    assert len(caught.value.missing) == missing


@pytest.mark.parametrize("host", ["maincloud.spacetimedb.com", "SpacetimeDB.com.", "a.b.spacetimedb.com"])
def test_the_vendors_hosts_need_consent_wherever_their_names_lead(host: str) -> None:
    with pytest.raises(ServerRefused) as caught:
        check_allowed(f"https://{host}")
    assert caught.value.reason == "it hosts databases of others"


def test_names_are_judged_by_all_addresses_that_they_lead_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*addresses: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)

    resolve("172.20.0.2", "10.0.0.1")
    check_allowed("http://spacetimedb:3000")
    resolve("172.20.0.2", "1.1.1.1")
    with pytest.raises(ServerRefused) as caught:
        check_allowed("http://spacetimedb:3000")
    assert caught.value.reason == "1.1.1.1 is neither this machine nor in a private network"


def test_a_name_that_leads_nowhere_is_not_taken_for_private(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ServerRefused) as caught:
        check_allowed("http://nowhere.test:3000")
    assert caught.value.reason == "its name leads nowhere"


@pytest.mark.parametrize("url", ["", "localhost:3000", "ws://localhost", "http://", "file:///etc"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_allowed(url)
    assert str(caught.value) == f"{url!r} is no address of a server; one looks like http://127.0.0.1:3000"


def test_a_server_is_checked_before_anything_is_sent() -> None:
    with pytest.raises(ServerRefused):
        ExternalServer(PUBLIC, "token")


def test_a_server_that_does_not_answer_is_reported() -> None:
    with refusing_port() as port, pytest.raises(ServerGone) as caught:
        ExternalServer(url := f"http://127.0.0.1:{port}").start()
    assert caught.value.server == f"at {url}"
    assert "refused" in caught.value.reason


def test_names_tell_their_run_and_are_never_the_same() -> None:
    one, other = DatabaseNames("0123456789"), DatabaseNames("0123456789", "staging")
    names = [one.new("game"), one.new("game"), DatabaseNames("0123456789").new("game"), other.new("game")]
    assert len(set(names)) == 4
    assert names[0].startswith("iu-0123456789-game-")
    assert names[3].startswith("staging-0123456789-game-")
    for name in names[:3]:
        one.check_ours("delete", name)


@pytest.mark.parametrize("name", ["production", "iu-9876543210-game-1", "x-iu-0123456789-game-1"])
def test_databases_of_others_are_not_destroyed(name: str) -> None:
    with pytest.raises(ForeignDatabase) as caught:
        DatabaseNames("0123456789").check_ours("delete", name)
    assert str(caught.value) == (
        f"tests do not delete the database {name!r}: only databases of this run, whose names start with 'iu-0123456789-'"
    )


@pytest.mark.parametrize("name", ["", "my_game", "Game", "-game", "game-", "ga--me", "spiel ä", "ab" * 32])
def test_a_name_that_servers_refuse_is_refused_here(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        DatabaseNames("0123456789").new(name)
    assert str(caught.value) == (
        f"{name!r} is no name for a database: servers take groups of lower case letters a-z and digits, joined by single hyphens"
    )
