from __future__ import annotations

from pathlib import Path

import pytest
from support.programs import MakeProgram, write_program

from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.errors import BinaryMissing, BinaryUnusable


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a home, a cache and a PATH in which nothing is installed."""
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def environment(place: Path) -> dict[str, str]:
    return {"HOME": str(place / "home"), "PATH": str(place / "bin")}


PLACES = {
    "cache": "cache/servers/1.2.0/bin/spacetimedb-standalone",
    "server on PATH": "bin/spacetimedb-standalone",
    "command on PATH": "bin/spacetime",
    "current installation": "home/.local/share/spacetime/bin/current/spacetimedb-standalone",
    "installation": "home/.local/share/spacetime/bin/2.8.3/spacetimedb-standalone",
    "installed command": "home/.local/bin/spacetime",
    "cargo": "home/.cargo/bin/spacetimedb-standalone",
}


@pytest.mark.parametrize("program", PLACES.values(), ids=PLACES)
def test_a_program_is_found_where_programs_are(program: str, place: Path, environment: dict[str, str]) -> None:
    path = write_program(place / program)
    found = find_binary(environment=environment)
    assert (found.path, found.version, found.version_text, found.kind) == (path, (1, 2, 0), "1.2.0", "standalone")


def test_earlier_places_win(place: Path, environment: dict[str, str]) -> None:
    for number, program in reversed(list(enumerate(PLACES.values()))):
        write_program(place / program, version=f"1.{number}.0")
        assert find_binary(environment=environment).version_text == f"1.{number}.0"


def test_the_newest_of_the_cache_wins(place: Path, environment: dict[str, str]) -> None:
    for version in ("1.9.0", "1.12.0", "1.2.0"):
        write_program(place / f"cache/servers/{version}/bin/spacetimedb-standalone", version=version)
    (place / "cache/servers/unfinished").mkdir()
    assert find_binary(environment=environment).version_text == "1.12.0"


def test_a_release_can_be_asked_for(place: Path, environment: dict[str, str]) -> None:
    for version in ("1.9.0", "1.12.0"):
        write_program(place / f"cache/servers/{version}/bin/spacetimedb-standalone", version=version)
    assert find_binary(version="1.9.0", environment=environment).version_text == "1.9.0"


def test_the_vendors_command_is_told_from_the_server(make_program: MakeProgram) -> None:
    assert find_binary(make_program("cli", "2.8.3")).kind == "cli"


def test_the_argument_wins_over_the_variable_and_both_over_the_places(
    place: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    write_program(place / "bin/spacetime")
    environment["INNER_UNIVERSE_BINARY"] = str(make_program(version="2.0.0"))
    assert find_binary(environment=environment).version == (2, 0, 0)
    assert find_binary(make_program(version="2.1.0"), environment=environment).version == (2, 1, 0)


def test_what_was_named_is_not_replaced_by_something_else(place: Path, environment: dict[str, str]) -> None:
    write_program(place / "bin/spacetime")
    environment["INNER_UNIVERSE_BINARY"] = str(place / "nothing")
    with pytest.raises(BinaryUnusable) as caught:
        find_binary(environment=environment)
    assert str(caught.value) == (
        f"{place}/nothing cannot be run as a SpacetimeDB server: there is no such file\n"
        "  named by INNER_UNIVERSE_BINARY\n"
        "  name a spacetimedb-standalone or spacetime program of this machine's kind, or leave the name out to have one "
        "looked for"
    )


def test_a_named_program_has_to_be_the_release_that_is_asked_for(make_program: MakeProgram) -> None:
    with pytest.raises(BinaryUnusable) as caught:
        find_binary(make_program(), version="2.8.3")
    assert caught.value.reason == "it is release 1.2.0, wanted is 2.8.3"


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("not a program", "utf-8")


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))
    path.chmod(0o755)


def _other(path: Path) -> None:
    path.write_text("#!/bin/sh\necho I am something else\n", "utf-8")
    path.chmod(0o755)


def _speechless(path: Path) -> None:
    path.write_text("#!/bin/sh\nexit 4\n", "utf-8")
    path.chmod(0o755)


def _without_interpreter(path: Path) -> None:
    path.write_text("#!/no/such/interpreter\n", "utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_folder, "it is a folder"),
        (_text, "it may not be executed; chmod +x gives the permission"),
        (_garbage, "it is no program for this machine's processor and system"),
        (_other, "asked for its version it says I am something else"),
        (_speechless, "asked for its version it says nothing, and ended with 4"),
        (_without_interpreter, "its interpreter or loader is not on this machine"),
    ],
)
def test_what_is_no_server_is_refused_with_the_reason(make: MakeProgram, reason: str, tmp_path: Path) -> None:
    make(tmp_path / "program")
    with pytest.raises(BinaryUnusable) as caught:
        find_binary(tmp_path / "program")
    assert caught.value.reason == reason


def test_without_any_program_the_places_and_three_remedies_are_listed(place: Path, environment: dict[str, str]) -> None:
    _text(write_program(place / "bin/spacetimedb-standalone"))
    (place / "bin/spacetimedb-standalone").chmod(0o755)
    write_program(place / "home/.cargo/bin/spacetimedb-standalone", version="1.0.0")
    with pytest.raises(BinaryMissing) as caught:
        find_binary(version="1.2.0", environment=environment)
    servers, home = f"{place}/cache/servers", f"{place}/home"
    assert str(caught.value) == (
        "no SpacetimeDB server was found\n"
        "  not given: --universe-binary, INNER_UNIVERSE_BINARY\n"
        f"  nothing there: {servers}, spacetime on PATH, {home}/.local/share/spacetime/bin, {home}/.local/bin/spacetime\n"
        f"  unusable, it is no program for this machine's processor and system: {place}/bin/spacetimedb-standalone\n"
        f"  release 1.0.0, wanted is 1.2.0: {home}/.cargo/bin/spacetimedb-standalone\n"
        "  - name one: --universe-binary=PATH or INNER_UNIVERSE_BINARY=PATH (1.2.0)\n"
        "  - install the vendor's command: https://spacetimedb.com/install\n"
        "  - or build release 1.2.0, some 15 minutes: cargo install spacetimedb-standalone --version 1.2.0 --locked "
        f"--root {servers}/1.2.0"
    )
    assert len(str(caught.value).splitlines()) <= 10
