"""``publish``, ``call`` and ``sql``."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import EVERY_TYPE, INNER_UNIVERSE, MODULES, Place, Ran, Run

from pytest_inner_universe.client import SyncHttp
from pytest_inner_universe.server.embedded_host import EmbeddedHost

ADA = '{"name": {"some": "Ada"}, "description": null, "tags": ["first"], "properties": "{}"}'
CREATE = "create_entity(id: String, entity_type: String, metadata: (name: Option<String>, description: Option<String>, tags: Array<String>, properties: String))"


class TestPublish:
    def test_somebody_is_made_up_and_remembered(self, run: Run, server: EmbeddedHost, tmp_path: Path) -> None:
        where = ("--url", server.url, "--database", "made-up", "--data-dir", "db")
        first = run("publish", *where)
        identity = first.out.split()[3].rstrip(")")
        assert first == Ran(0, f"published made-up (new, {identity}) at {server.url}\n")
        kept = tmp_path / "db" / "owner-tokens.json"
        assert list(json.loads(kept.read_text())) == [server.url]
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

        assert run("publish", *where, INNER_UNIVERSE) == Ran(
            0, f"published made-up (updated, {identity}) at {server.url}\n"
        )
        # Only the owner may read the log: the token is found again.
        assert run("logs", *where).code == 0
        other = (*where[:-1], "elsewhere")
        refused = run("publish", *other)
        assert refused == Ran(
            1,
            "",
            f"inner-universe: cannot deploy to database 'made-up' at {server.url}: it belongs to somebody else; put its "
            f"owner's token into the configuration\n    {refused.err.splitlines()[-1].strip()}\n",
        )

    def test_what_a_script_gets(self, run: Run, place: Place) -> None:
        ran = run("publish", "--json")
        assert json.loads(ran.out) == {
            "database": place.database,
            "identity": place.identity,
            "created": False,
            "url": place.url,
        }

    def test_data_stays_unless_it_is_to_go(self, run: Run, place: Place) -> None:
        assert run("call", "create_entity", '"ada"', '"Person"', ADA) == Ran(0, "")
        run("publish")
        assert run("sql", "SELECT id FROM entity").out == "id\n---\nada\n"
        run("publish", "--clear")
        assert run("sql", "SELECT id FROM entity").out == "id\n--\n"

    def test_what_publishing_would_do(self, run: Run, place: Place, server: EmbeddedHost) -> None:
        same = run("publish", "--dry-run")
        assert (same.code, same.err) == (0, "")
        other = run("publish", "--dry-run", EVERY_TYPE)
        assert (other.code, other.err) == (1, "")
        assert "table" in other.out
        assert json.loads(run("publish", "--dry-run", "--json", EVERY_TYPE).out) == {
            "new": False,
            "automatic": False,
            "breaks_clients": False,
            "plan": other.out.rstrip("\n"),
        }
        assert run("publish", "--dry-run", "-d", "not-there") == Ran(0, "not-there would be a new database\n")
        assert run("publish", "--dry-run", "-d", "not-there", "--json").out == '{"new":true}\n'

    def test_what_publishing_over_a_file_would_do(self, run: Run, tmp_path: Path) -> None:
        over = ("publish", "--dry-run", "--against")
        assert run(*over, INNER_UNIVERSE) == Ran(0, "nothing would change in the tables\n")
        older = MODULES / "every_type_1_4.wasm"
        ran = run(*over, older, EVERY_TYPE)
        assert (ran.code, ran.err) == (1, "")
        assert ran.out.startswith("table 'every_type': column 'a_u8' was removed\n")
        told = json.loads(run(*over, older, EVERY_TYPE, "--json").out)
        assert (told["automatic"], told["plan"]) == (False, ran.out.rstrip("\n"))
        assert run(*over, "nothing.wasm") == Ran(
            1, "", "inner-universe: the module nothing.wasm cannot be read: No such file or directory\n"
        )
        assert run("publish", "--against", "x") == Ran(2, "", "inner-universe: --against needs --dry-run\n")

    def test_a_change_that_disconnects_clients(self, run: Run, typed: Place) -> None:
        for table in ("team", "secret"):
            assert run("sql", f"DELETE FROM {table}").code == 0
        other = MODULES / "procedures_2_8.wasm"
        told = run("publish", "--dry-run", other)
        assert (told.code, told.out.splitlines()[-1]) == (
            0,
            "clients would be disconnected: publish with --break-clients",
        )
        refused = run("publish", other)
        assert refused.code == 1
        assert "BreakClients" in refused.err
        assert run("publish", "--break-clients", other) == Ran(
            0, f"published {typed.database} (updated, {typed.identity}) at {typed.url}\n"
        )

    def test_a_change_that_cannot_be(self, run: Run, place: Place) -> None:
        ran = run("publish", EVERY_TYPE)
        assert (ran.code, ran.out) == (1, "")
        lines = ran.err.splitlines()
        assert lines[0] == (
            f"inner-universe: cannot deploy to database '{place.database}' at {place.url}: the server refused the module"
        )
        assert 2 <= len(lines) <= 10

    def test_a_file_that_is_no_module(self, run: Run, place: Place, tmp_path: Path) -> None:
        (tmp_path / "text.wasm").write_text("no module")
        ran = run("publish", "text.wasm")
        assert ran.code == 1
        assert ran.err.startswith(f"inner-universe: cannot deploy to database '{place.database}' at {place.url}: ")
        assert run("publish", "nothing.wasm") == Ran(
            1,
            "",
            f"inner-universe: cannot deploy to database '{place.database}' at {place.url}: the module nothing.wasm cannot be "
            "read: No such file or directory\n",
        )

    def test_options_that_contradict_each_other(self, run: Run) -> None:
        for option in ("--clear", "--break-clients"):
            assert run("publish", "--dry-run", option) == Ran(
                2, "", "inner-universe: --dry-run goes with neither --clear nor --break-clients\n"
            )


class TestCall:
    def test_arguments_are_json(self, run: Run, place: Place) -> None:
        assert run("call", "create_entity", '"ada"', '"Person"', ADA) == Ran(0, "")
        assert (
            run("sql", "SELECT id, entity_type FROM entity").out == "id   entity_type\n---  -----------\nada  Person\n"
        )

    def test_arguments_from_a_file(self, run: Run, place: Place, tmp_path: Path) -> None:
        (tmp_path / "ada.json").write_text(f'["ada", "Person", {ADA}]')
        assert run("call", "create_entity", "--arguments-file", "ada.json") == Ran(0, "")
        assert run("call", "delete_entity", "--arguments-file", "-", given='["ada", false]') == Ran(0, "")

    def test_a_procedure_returns_a_value(self, run: Run, server: EmbeddedHost, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INNER_UNIVERSE_URL", server.url)
        run("publish", MODULES / "procedures_2_8.wasm", "-d", "procedures")
        assert run("call", "-d", "procedures", "add", "1", "2") == Ran(0, "3\n")
        assert run("call", "-d", "procedures", "nothing").code == 0

    def test_too_few_arguments(self, run: Run, place: Place) -> None:
        assert run("call", "create_entity", '"ada"') == Ran(
            2, "", f"inner-universe: create_entity takes 3 arguments, got 1\n  {CREATE}\n"
        )

    def test_an_argument_of_another_type(self, run: Run, place: Place) -> None:
        assert run("call", "create_entity", '"ada"', '"Person"', '{"name": 1}') == Ran(
            2, "", f"inner-universe: create_entity: metadata: missing field 'description'\n  {CREATE}\n"
        )

    def test_a_text_without_quotes(self, run: Run, place: Place) -> None:
        assert run("call", "create_entity", "ada", '"Person"', ADA) == Ran(
            2,
            "",
            "inner-universe: argument 1, 'ada', is not JSON: Expecting value; a text needs quotes of its own: '\"ada\"'\n"
            f"  {CREATE}\n",
        )
        assert run("call", "create_entity", "{ada}", '"Person"', ADA).err.splitlines()[0] == (
            "inner-universe: argument 1, '{ada}', is not JSON: Expecting property name enclosed in double quotes"
        )

    def test_a_function_that_is_not_there(self, run: Run, place: Place, typed: Place) -> None:
        assert run("call", "-d", place.database, "create_entitty") == Ran(
            2,
            "",
            f"inner-universe: {place.database} has no reducer or procedure 'create_entitty'; did you mean create_entity?\n",
        )
        assert run("call", "x") == Ran(
            2,
            "",
            f"inner-universe: {typed.database} has no reducer or procedure 'x'; there are add_person, cancels_out, "
            "close_door, connected, disconnected, fails, fire_once, fire_tick, ...\n",
        )

    def test_a_reducer_that_says_no(self, run: Run, typed: Place) -> None:
        assert run("call", "fails", '"not today"') == Ran(1, "", "inner-universe: reducer 'fails' failed: not today\n")
        assert run("call", "panics").code == 1

    def test_a_caller_who_is_not_let_in(self, run: Run, typed: Place) -> None:
        run("call", "close_door")
        ran = run("call", "nothing")
        assert (ran.code, ran.out) == (1, "")
        assert "the door is closed" in ran.err
        assert ran.err.splitlines()[-1] == "  nothing()"

    def test_files_of_arguments_that_cannot_be_used(self, run: Run, place: Place, tmp_path: Path) -> None:
        (tmp_path / "object.json").write_text("{}")
        (tmp_path / "broken.json").write_text("[1,")
        for name, reason in (
            ("nothing.json", "the arguments in nothing.json cannot be read: No such file or directory"),
            ("object.json", "the arguments in object.json are no list"),
            ("broken.json", "the arguments in broken.json are not JSON: Expecting value"),
        ):
            assert run("call", "create_entity", "--arguments-file", name) == Ran(
                2, "", f"inner-universe: {reason}\n  {CREATE}\n"
            )
        assert run("call", "create_entity", "1", "--arguments-file", "-") == Ran(
            2, "", "inner-universe: arguments come from the command line or from --arguments-file, not from both\n"
        )


class TestSql:
    @pytest.fixture(autouse=True)
    def _people(self, typed: Place) -> None:
        with SyncHttp(typed.url, typed.token) as api:
            api.call(typed.database, "add_person", ["Ada", 1, 36])
            api.call(typed.database, "add_person", ["Grace\n\x1b[2J\u202eHopper", 12, 85])

    def test_a_table_as_text(self, run: Run) -> None:
        assert run("sql", "SELECT * FROM person") == Ran(
            0,
            "id  name                        team  age\n"
            "--  --------------------------  ----  ---\n"
            " 1  Ada                            1   36\n"
            " 2  Grace\\n\\x1b[2J\\u202eHopper    12   85\n",
        )

    def test_json_lines(self, run: Run) -> None:
        ran = run("sql", "SELECT * FROM person", "--json")
        assert [json.loads(line) for line in ran.out.splitlines()] == [
            {"id": 1, "name": "Ada", "team": 1, "age": 36},
            {"id": 2, "name": "Grace\n\x1b[2J\u202eHopper", "team": 12, "age": 85},
        ]
        assert "\x1b" not in ran.out

    def test_values_in_json_are_what_call_takes(self, run: Run) -> None:
        row = json.loads(run("sql", "SELECT * FROM team", "--json").out)
        assert row["owner"].keys() == {"__identity__"}
        assert run("call", "own_team", "2", json.dumps(row["title"])) == Ran(0, "")

    def test_no_row(self, run: Run) -> None:
        assert run("sql", "SELECT * FROM seen") == Ran(0, "what\n----\n")
        assert run("sql", "SELECT * FROM seen", "--json") == Ran(0, "")

    def test_writing(self, run: Run) -> None:
        assert run("sql", "DELETE FROM person WHERE name = 'Ada'") == Ran(0, "inserted  0\ndeleted   1\nupdated   0\n")
        assert run("sql", "DELETE FROM person", "--json") == Ran(0, '{"inserted":0,"deleted":1,"updated":0}\n')

    def test_a_statement_from_the_input(self, run: Run) -> None:
        assert run("sql", "-", given="SELECT name FROM person WHERE age = 36\n") == Ran(0, "name\n----\nAda\n")

    def test_a_statement_that_is_none(self, run: Run) -> None:
        assert run("sql", "SELEKT") == Ran(
            1,
            "",
            "inner-universe: the query failed: sql parser error: Expected an SQL statement, found: SELEKT at Line: 1, Column 1\n  SELEKT\n",
        )
        assert run("sql").err == (
            "inner-universe sql: error: the following arguments are required: STATEMENT\n"
            "  inner-universe sql --help shows how it is used\n"
        )

    def test_on_a_terminal(self, look: Callable[..., Ran]) -> None:
        assert look(80, "sql", "SELECT name, age FROM person WHERE age = 36").out == (
            "name   age\n──────────\nAda     36\n1 row\n"
        )

    def test_on_a_terminal_that_is_too_narrow(self, look: Callable[..., Ran]) -> None:
        assert look(20, "sql", "SELECT * FROM person WHERE age = 36").out == (
            "row 1 ──────────────\nid    1\nname  Ada\nteam  1\nage   36\n"
        )
