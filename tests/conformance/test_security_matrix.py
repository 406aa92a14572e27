"""Who may call which reducer and read which table of the Inner Universe module: everybody, tried one by one.

`docs/security.md` shows the same as a table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.metadata import entity_metadata, relation_metadata
from support.refusals import contents

from pytest_inner_universe.client import Connection, QueryFailed, ReducerFailed

if TYPE_CHECKING:
    from conformance.conftest import Helper, Says

    from pytest_inner_universe.testing.universe import Actor, Universe

pytestmark = pytest.mark.asyncio

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
ROLES = ("anonymous", "normal", "granted", "admin", "owner")
"""Somebody without a token; somebody known; somebody with a grant for everything; an admin; who published the database."""
POLICIES = ("allow", "deny")
SOMEBODY = bytes(range(32)).hex()


class Case(NamedTuple):
    """A call that succeeds if the caller may make it.

    Args:
        args: Its arguments, for the rows of `prepared`.
        needs: ``owner``, ``admin``, or the permission as ``action on type``.
        item: Id of the first item, for a batch.
    """

    args: tuple[Any, ...]
    needs: str
    item: str | None = None


def new(id: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "metadata": entity_metadata(), "entity_type": "Person", **fields}


def link(id: str) -> dict[str, Any]:
    ends = {"from_entity": "e1", "to_entity": "e2"}
    return {"id": id, **ends, "relation_type": "KNOWS", "metadata": relation_metadata()}


DELTA: dict[str, Any] = {"description": "", "author": None, "tags": [], "parent_delta_id": None}
EVENT: dict[str, Any] = {"event_id": "x2", "event_type": "T", "source": None, "data": "{}"}
GRANT = (None, "record_metric", "nothing")

# The order matters: what a call leaves is what the next one finds.
CASES: dict[str, Case] = {
    "create_entity": Case(("n1", "Person", entity_metadata()), "create_entity on Person"),
    "create_entities": Case(([new("n2")],), "create_entity on Person", "n2"),
    "update_entity": Case(("e1", entity_metadata(name="x")), "update_entity on Person"),
    "delete_entity": Case(("e3", False), "delete_entity on Person"),
    "create_relation": Case(("n3", "e1", "e2", "KNOWS", relation_metadata()), "create_relation on KNOWS"),
    "create_relations": Case(([link("n4")],), "create_relation on KNOWS", "n4"),
    "update_relation": Case(("r1", relation_metadata(strength=0.1)), "update_relation on KNOWS"),
    "delete_relation": Case(("r1",), "delete_relation on KNOWS"),
    "commit_state_version": Case(("v2", "v1", "", "h"), "commit_state_version on state_version"),
    "record_delta": Case(("d1", "v1", [], DELTA), "record_delta on delta_record"),
    "store_state_snapshot": Case(("v1", "json", "{}"), "store_state_snapshot on state_snapshot"),
    "publish_event": Case(("x1", "T", None, "{}"), "publish_event on T"),
    "publish_events": Case(([EVENT],), "publish_event on T", "x2"),
    "record_metric": Case(("m1", "load", "gauge", 1.0, "{}"), "record_metric on load"),
    "admin_operation": Case(("k", "v"), "admin"),
    "grant_permission": Case(GRANT, "admin"),
    "revoke_permission": Case(GRANT, "admin"),
    "apply_configuration": Case(([{"key": "k", "value": "w", "description": None}],), "owner"),
    "grant_admin": Case((SOMEBODY,), "owner"),
    "revoke_admin": Case((SOMEBODY,), "owner"),
    "import_entities": Case(([],), "owner"),
    "import_relations": Case(([],), "owner"),
    "import_state_versions": Case(([],), "owner"),
    "import_deltas": Case(([],), "owner"),
    "import_events": Case(([],), "owner"),
    "import_snapshots": Case(([],), "owner"),
    "import_metrics": Case(([],), "owner"),
    "import_configuration": Case(([],), "owner"),
    "clear_for_import": Case((), "owner"),
    "truncate_all": Case((), "owner"),
}


def refusal(case: Case, role: str, policy: str) -> str | None:
    """Return the text with which a call is refused, None where it is not."""
    if role == "owner" or (role == "admin" and case.needs != "owner"):
        return None
    if case.needs in ("owner", "admin"):
        return f"Unauthorized: {case.needs.title()} privileges required"
    if role == "granted" or policy == "allow":
        return None
    text = f"Permission denied: {case.needs}"
    return text if case.item is None else f"Item 0 ({case.item}): {text}"


@pytest.fixture
def prepared(universe: Universe, inner: Helper) -> dict[str, Any]:
    """The rows that the calls need, and the people who make them."""
    for entity in ("e1", "e2", "e3"):
        inner.entity(entity)
    inner.relation("r1")
    inner.version("v1")
    people: dict[str, Actor] = {role: universe.actor(role) for role in ("normal", "granted", "admin")}
    universe.call("grant_permission", people["granted"].identity, "*", "*")
    universe.call("grant_admin", people["admin"].identity)
    return {"anonymous": None, "owner": universe.identity, **people}


async def outcome(universe: Universe, client: Connection, reducer: str, case: Case) -> str | None:
    """Make a call; what is refused leaves every row as it was."""
    before = contents(universe)
    try:
        await client.call(reducer, *case.args)
    except ReducerFailed as error:
        assert contents(universe) == before
        return error.message
    return None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("role", ROLES)
async def test_who_may_call_what(universe: Universe, prepared: dict[str, Any], role: str, policy: str) -> None:
    universe.call("admin_operation", "permission_default", policy)
    async with universe.connect(prepared[role]) as client:
        said = {reducer: await outcome(universe, client, reducer, case) for reducer, case in CASES.items()}
    assert said == {reducer: refusal(case, role, policy) for reducer, case in CASES.items()}


async def test_no_reducer_is_missing(universe: Universe) -> None:
    assert set(CASES) == {name for name, reducer in universe.schema.reducers.items() if reducer.lifecycle is None}


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_read_what(universe: Universe, prepared: dict[str, Any], says: Says, role: str) -> None:
    """Admins change the configuration, and read it no more than others do."""
    async with universe.connect(prepared[role]) as client:
        for name, table in universe.schema.tables.items():
            if table.is_public or role == "owner":
                await client.query(f"SELECT * FROM {name}")
                continue
            with pytest.raises(QueryFailed) as caught:
                await client.query(f"SELECT * FROM {name}")
            marked = f"no such table: `{name}`. If the table exists, it may be marked private."
            assert caught.value.message == says(f"`{name}` is not a valid table", marked)


def written(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the page, without its head."""
    page = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def shown(case: Case, role: str) -> str:
    refused = [refusal(case, role, policy) is not None for policy in POLICIES]
    return {(False, False): "yes", (False, True): "while open", (True, True): "no"}[refused[0], refused[1]]


async def test_the_page_shows_who_may_call_what() -> None:
    rows = [[f"`{name}`", case.needs, *(shown(case, role) for role in ROLES)] for name, case in CASES.items()]
    assert written("Reducers") == rows


async def test_the_page_shows_who_may_read_what(universe: Universe) -> None:
    public = {name for name, table in universe.schema.tables.items() if table.is_public}
    assert {row[0].strip("`"): row[1:] for row in written("Tables")} == {
        name: ["everybody" if name in public else "the owner"] for name in universe.schema.tables
    }
