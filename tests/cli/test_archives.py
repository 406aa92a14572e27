"""``export``, ``import`` and ``migrate``."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.shells import Place, Ran, Run, run_on_terminal

from pytest_inner_universe.client import SyncHttp
from pytest_inner_universe.server.embedded_host import EmbeddedHost

METADATA = {"name": {"some": "Ada"}, "description": {"none": []}, "tags": [], "properties": "{}"}
IDS = ("sql", "SELECT id, entity_type FROM entity")
ADA = "id   entity_type\n---  -----------\nada  Person\n"
NOBODY = "id  entity_type\n--  -----------\n"


@pytest.fixture
def ada(place: Place) -> Place:
    """A database with somebody in it."""
    with SyncHttp(place.url, place.token) as api:
        api.call(place.database, "create_entity", ["ada", "Person", METADATA])
    return place


@pytest.fixture
def other(place: Place, run: Run) -> str:
    """The name of an empty database of the same owner."""
    name = f"{place.database}-other"
    assert run("publish", "-d", name).code == 0
    return name


def test_there_and_back(run: Run, ada: Place, other: str) -> None:
    exported = run("export", "kept")
    assert (exported.code, exported.err) == (0, "")
    assert "entity             1\n" in exported.out
    assert exported.out.splitlines()[-1].startswith(f"exported {ada.database} to kept: ")
    checked = run("import", "kept", "--check")
    assert checked.out.splitlines()[-1] == exported.out.splitlines()[-1].replace(
        f"exported {ada.database} to kept", "kept is whole"
    )
    imported = run("import", "kept", "-d", other)
    assert (imported.code, imported.err) == (0, "")
    assert imported.out.splitlines()[-1].startswith(f"imported kept into {other}: ")
    assert run(*IDS, "-d", other) == Ran(0, ADA)


def test_what_a_script_gets(run: Run, ada: Place) -> None:
    told = json.loads(run("export", "kept", "--encoding", "parquet", "--json").out)
    assert (told["archive"], told["encoding"], told["left_out"], told["uncertain"]) == ("kept", "parquet", [], [])
    assert told["tables"]["entity"] == 1
    assert told["rows"] == sum(told["tables"].values())
    assert json.loads(run("import", "kept", "--check", "--json").out) == told


def test_what_only_the_owner_may_read(run: Run, ada: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNER_UNIVERSE_TOKEN")
    last = run("export", "kept").out.splitlines()[-1]
    assert last.startswith("left out, as only the owner may read them: ")
    assert set(last.split(": ")[1].split(", ")) == {"config", "permission", "admin"}
    ran = run("import", "kept", "--replace")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("only its owner can import, and this client is not\n")


def test_what_is_there_is_not_given_up_by_accident(run: Run, ada: Place) -> None:
    run("export", "kept")
    ran = run("import", "kept")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("; say --replace to give up what is in it\n")
    assert run(*IDS) == Ran(0, ADA)
    assert run("import", "kept", "--replace").code == 0
    assert run(*IDS) == Ran(0, ADA)


def test_as_it_was_at_some_moment(run: Run, ada: Place, other: str) -> None:
    run("export", "kept")
    row = json.loads(run("sql", "SELECT created_at FROM entity", "--json").out)
    (micros,) = row["created_at"].values()
    seconds, rest = divmod(micros, 1_000_000)
    created = datetime.fromtimestamp(seconds, timezone.utc) + timedelta(microseconds=rest)
    before, after = created - timedelta(microseconds=1), created + timedelta(microseconds=1)
    assert run("import", "kept", "-d", other, "--until", before.isoformat()).code == 0
    assert run(*IDS, "-d", other) == Ran(0, NOBODY)
    until = after.isoformat().replace("+00:00", "Z")
    assert run("import", "kept", "-d", other, "--until", until, "--replace").code == 0
    assert run(*IDS, "-d", other) == Ran(0, ADA)


def test_over_to_another_database(run: Run, ada: Place, other: str, tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text(
        "def loud(table, row):\n"
        "    return row | {'entity_type': row['entity_type'].upper()} if table == 'entity' else row\n"
    )
    ran = run("migrate", "--to-database", other, "--transform", "shouting:loud")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].startswith(f"copied {ada.database} at {ada.url} to {other} at {ada.url}: ")
    assert run(*IDS, "-d", other) == Ran(0, ADA.replace("Person", "PERSON"))
    assert run(*IDS) == Ran(0, ADA)


def test_over_to_another_server(run: Run, ada: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedHost() as away:
        monkeypatch.delenv("INNER_UNIVERSE_TOKEN")
        (tmp_path / "token").write_text(ada.token)
        assert run("publish", "--url", away.url, "-d", "copy").code == 0
        # Its owner's token is kept; that of the first server is not sent to it.
        assert run("migrate", "--token-file", "token", "--to-url", away.url, "--to-database", "copy").code == 0
        assert run(*IDS, "--url", away.url, "-d", "copy") == Ran(0, ADA)
        json_file = tmp_path / "inner_universe_db" / "owner-tokens.json"
        (tmp_path / "away").write_text(json.loads(json_file.read_text())[away.url])
        json_file.unlink()
        to = ("--to-url", away.url, "--to-database", "copy", "--replace")
        assert run("migrate", "--token-file", "token", *to).code == 1
        assert run("migrate", "--token-file", "token", *to, "--to-token-file", "away").code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["import", "x", "--check", "--replace"],
            "--check changes nothing, so it goes with neither --replace nor --until",
        ),
        (["migrate"], "name the database to fill: --to-database, --to-url or both"),
        (
            ["migrate", "--to-database", "inner-universe"],
            "inner-universe at http://127.0.0.1:3000 cannot be copied onto itself",
        ),
        (["migrate", "--to-url", "x"], "--to-url: 'x' is no address, which looks like http://127.0.0.1:3000"),
        (
            ["migrate", "--to-database", "No_Name"],
            "database must be lowercase letters and digits with single dashes between, not 'No_Name'",
        ),
    ],
)
def test_options_that_make_no_sense(run: Run, arguments: list[str], reason: str) -> None:
    assert run(*arguments) == Ran(2, "", f"inner-universe: {reason}\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "'yesterday' is no time, which looks like 2026-01-31T12:00:00+00:00"),
        ("2026-01-31", "'2026-01-31' has no time zone; add Z for UTC, or as +02:00"),
    ],
)
def test_moments_that_are_none(run: Run, text: str, reason: str) -> None:
    assert run("import", "x", "--until", text) == Ran(
        2,
        "",
        f"inner-universe import: error: argument --until: {reason}\n"
        "  inner-universe import --help shows how it is used\n",
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere:f", "No module named 'nowhere'"),
        ("json:nothing", "module 'json' has no attribute 'nothing'"),
        (":", "Empty module name"),
    ],
)
def test_transforms_that_are_none(run: Run, ada: Place, name: str, reason: str) -> None:
    assert run("export", "kept", "--transform", name) == Ran(2, "", f"inner-universe: --transform {name}: {reason}\n")


def test_a_transform_that_fails(run: Run, ada: Place, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("def divide(table, row):\n    return 1 / 0\n")
    ran = run("export", "kept", "--transform", "failing:divide")
    assert (ran.code, ran.out) == (1, "")
    assert "failing:divide failed at a row of " in ran.err
    assert "ZeroDivisionError: division by zero" in ran.err
    assert not (tmp_path / "kept").exists()


def test_archives_that_cannot_be_used(run: Run, ada: Place, tmp_path: Path) -> None:
    run("export", "kept")
    assert run("export", "kept") == Ran(1, "", "inner-universe: kept: it exists already, and is no empty folder\n")
    with (tmp_path / "kept" / "entity.jsonl").open("a") as file:
        file.write("\n")
    ran = run("import", "kept", "--check")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("inner-universe: kept: entity.jsonl is not what it was: ")
    assert run("import", "nowhere", "--check").code == 1


def test_another_module(run: Run, typed: Place, tmp_path: Path) -> None:
    ran = run("export", "kept")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") <= 10
    assert not (tmp_path / "kept").exists()


def test_a_terminal_shows_how_far_it_is(ada: Place) -> None:
    code, out, err = run_on_terminal("export", "kept")
    assert code == 0
    assert b"\x1b" not in out
    assert b"entity" in err
