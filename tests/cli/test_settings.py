"""Which server, whose token: by option, by environment, by document; and tokens that nobody sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.shells import Place, Ran, Run

COUNT = ("sql", "SELECT title FROM team")
TEAMS = Ran(0, "title\n-----\nfirst\n")


def test_options_win_over_the_environment_and_that_over_the_document(
    run: Run, typed: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host, port = typed.url.removeprefix("http://").split(":")
    (tmp_path / "universe.json").write_text(
        json.dumps({"address": host, "port": int(port), "database": typed.database, "token": typed.token})
    )
    assert run(*COUNT) == TEAMS
    for name in ("URL", "DATABASE", "TOKEN"):
        monkeypatch.delenv(f"INNER_UNIVERSE_{name}")
    assert run(*COUNT, "--config", "universe.json") == TEAMS
    monkeypatch.setenv("INNER_UNIVERSE_CONFIG", "universe.json")
    assert run("logs", "-n", "0").code == 0
    monkeypatch.setenv("INNER_UNIVERSE_DATABASE", "not-there")
    assert run(*COUNT).code == 1
    assert run(*COUNT, "-d", typed.identity) == TEAMS
    monkeypatch.setenv("INNER_UNIVERSE_URL", "http://127.0.0.1:1")
    assert run(*COUNT).code == 3
    assert run(*COUNT, "--url", f"{typed.url}/", "-d", typed.database) == TEAMS


def test_a_token_in_a_file(run: Run, typed: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INNER_UNIVERSE_TOKEN")
    (tmp_path / "token").write_text(f"{typed.token}\n")
    assert run("logs").code == 1
    assert run("logs", "--token-file", "token").code == 0
    assert run("logs", "--token-file", "-", given=typed.token).code == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "token holds no token, which is one word"),
        (b"two words", "token holds no token, which is one word"),
        (b"\xff", "the token in token cannot be read: it is no text"),
        (None, "the token in token cannot be read: No such file or directory"),
    ],
)
def test_files_without_a_token(run: Run, tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    assert run("logs", "--token-file", "token") == Ran(2, "", f"inner-universe: {reason}\n")


@pytest.mark.parametrize("url", ["127.0.0.1:3000", "ftp://host", "http://", "http://host:x", "http://host/v1", ""])
def test_addresses_that_are_none(run: Run, url: str) -> None:
    ran = run("status", f"--url={url}")
    if url:
        reason = f"--url: {url!r} is no address, which looks like http://127.0.0.1:3000"
        assert ran == Ran(2, "", f"inner-universe: {reason}\n")
    else:
        assert ran.code == 3


def test_an_address_with_a_password_is_not_repeated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_URL", "http://me:secret@host/x")
    assert run("status") == Ran(
        2, "", "inner-universe: INNER_UNIVERSE_URL: an address has no user in it; tokens say who asks\n"
    )


def test_every_mistake_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_PORT", "many")
    assert run("status", "-d", "No_Name", "--ca-file", " ") == Ran(
        2,
        "",
        "inner-universe: 3 problems in the configuration:\n"
        "- INNER_UNIVERSE_PORT must be a whole number, not 'many'\n"
        "- database must be lowercase letters and digits with single dashes between, not 'No_Name'\n"
        "- ca_file must be non-empty text or None, not ' '\n",
    )


def test_authorities_that_are_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    ran = run("sql", "SELECT 1", "--url", "https://127.0.0.1:1", "--ca-file", "ca.pem")
    assert ran == Ran(2, "", "inner-universe: 'ca.pem' names no authorities to trust: there is no certificate in it\n")


@pytest.mark.parametrize("text", ["0", "x", "nan", "1e9"])
def test_spans_of_time_that_are_none(run: Run, text: str) -> None:
    assert run("status", "--timeout", text) == Ran(
        2,
        "",
        f"inner-universe status: error: argument --timeout: '{text}' is no number of seconds from 0.001 to 86400\n"
        "  inner-universe status --help shows how it is used\n",
    )


class TestTokensAreNeverPrinted:
    def test_in_mistakes_of_the_command_line(self, run: Run, place: Place) -> None:
        for arguments in (["status", "--token", place.token], ["status", place.token], [place.token]):
            ran = run(*arguments)
            assert ran.code == 2
            assert place.token not in ran.out + ran.err
            assert "(a token)" in ran.err

    def test_in_what_a_server_says(self, run: Run, place: Place) -> None:
        ran = run("sql", f"SELECT * FROM entity WHERE id = {place.token}")
        assert ran.code == 1
        assert place.token not in ran.err

    def test_where_it_has_another_form(self, run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INNER_UNIVERSE_TOKEN", "a-secret")
        ran = run("call", "publish_event", "a-secret")
        assert ran.code in {1, 2}
        assert "a-secret" not in ran.err

    def test_in_a_traceback(self, run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INNER_UNIVERSE_DEBUG", "1")
        ran = run("sql", f"SELEKT '{place.token}'")
        assert ran.err.startswith("Traceback")
        assert place.token not in ran.err
