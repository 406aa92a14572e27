"""Each example as its user runs it: with a server that is there already, and without one."""

import runpy
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

FOLDER = Path(__file__).resolve().parents[1]
PRINTED = {
    "entities.py": """\
created Ada Lovelace {'age': 36, 'email': 'ada@example.com'}
updated {'age': 37, 'email': 'ada@example.com'}
related WORKS_FOR 0.9
""",
    "versions.py": """\
current Updated state True
state {'data': {'count': 4, 'items': [1, 2, 3, 4]}}
""",
    "events.py": """\
heard USER_ACTION {'action': 'login', 'user_id': 'ada'} from web_client
stored True
""",
}


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a script as `python script arguments` does, with settings in the environment; return what it prints."""

    def run(script, *arguments, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"INNER_UNIVERSE_{name}", str(value))
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        monkeypatch.chdir(tmp_path)
        runpy.run_path(str(FOLDER / script), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("script", PRINTED)
def test_on_a_server_of_its_own(run, script):
    assert run(script, "--deploy", PORT=0) == PRINTED[script]


@pytest.mark.parametrize("script", PRINTED)
def test_on_a_server_that_is_there(run, script, universe):
    assert run(script, PORT=urlsplit(universe.url).port, DATABASE=universe.name) == PRINTED[script]


def test_what_an_example_wrote_is_there_for_others(run, universe):
    run("entities.py", PORT=urlsplit(universe.url).port, DATABASE=universe.name)

    people = {row["metadata"]["name"]: row["id"] for row in universe.rows("entity")}
    (works_for,) = universe.rows("relation")
    assert works_for["from_entity"] == people["Ada Lovelace"]
    assert works_for["to_entity"] == people["Analytical Engines"]


def test_where_nothing_was_deployed(run):
    with pytest.raises(SystemExit) as refused:
        run("entities.py", PORT=0)

    assert str(refused.value) == "there is no Inner Universe; --deploy brings it up"
