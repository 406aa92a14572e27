"""``doctor``: eight items, whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs import write_program
from support.shells import Place, Ran, Run

from pytest_inner_universe.persistence.bundled import bundled_module_path

MODULE = bundled_module_path()


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without a problem; the server program in it."""
    monkeypatch.setenv("INNER_UNIVERSE_PORT", "0")
    monkeypatch.setenv("INNER_UNIVERSE_BACKUP_PATH", "backups")
    monkeypatch.setenv("INNER_UNIVERSE_ENABLE_METRICS", "yes")
    return write_program(tmp_path / "spacetime")


def test_without_a_problem(run: Run, ready: Path) -> None:
    assert run("doctor", "--binary", ready) == Ran(
        0,
        f"ok      Module compiles to WASM: {MODULE}, {MODULE.stat().st_size} bytes\n"
        f"ok      SpacetimeDB is installed: {ready} (1.2.0, --universe-binary)\n"
        "ok      Database directory is writable: inner_universe_db will be made\n"
        "ok      Ports are free: any free one\n"
        "ok      Authentication is set up: the first deployment makes an owner, whose token it keeps in "
        "inner_universe_db/owner-tokens.json\n"
        "ok      Backups have a place: backups will be made\n"
        "ok      Monitoring is configured: the feature enable_metrics is on\n"
        "ok      Configuration is valid: every setting can be accepted\n",
    )


def test_problems_on_a_terminal(look: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_PORT", "0")
    ran = look(80, "doctor", "--backend", "embedded")
    assert ran.code == 1
    assert ran.out.splitlines()[5:] == [
        "problem Backups have a place: none is set; name a folder in backup_path",
        "problem Monitoring is configured: the feature enable_metrics is off; set it",
        "ok      Configuration is valid: every setting can be accepted",
        "2 of 8 need attention",
    ]


def test_mistakes_in_the_configuration_are_the_eighth_item(run: Run, ready: Path, tmp_path: Path) -> None:
    (tmp_path / "universe.json").write_text('{"prot": 3000, "log_level": "loud"}')
    ran = run("doctor", "--binary", ready, "--config", "universe.json", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["ready"]) == (1, False)
    assert [check["name"] for check in found["checks"] if not check["passed"]] == ["configuration"]
    assert found["checks"][7] == {
        "name": "configuration",
        "title": "Configuration is valid",
        "passed": False,
        "finding": "unknown setting 'prot'; did you mean port?; log_level must be one of error, warn, info, debug, trace, "
        "not 'loud'",
        "advice": "correct it",
    }


def test_a_server_that_answers(run: Run, place: Place) -> None:
    checks = {check["name"]: check["finding"] for check in json.loads(run("doctor", "--json").out)["checks"]}
    assert checks["server"] == checks["port"] == f"a server answers at {place.url}"
    assert checks["authentication"] == "a token is configured"


def test_a_program_for_another_backend(run: Run) -> None:
    assert run("doctor", "--backend", "embedded", "--binary", "x") == Ran(
        2, "", "inner-universe: --binary needs --backend process\n"
    )


def test_a_document_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "universe.json").write_text("[]")
    assert run("doctor", "--config", "universe.json") == Ran(
        2, "", "inner-universe: configuration file universe.json holds a list, not an object\n"
    )
