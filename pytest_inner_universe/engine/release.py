"""Which release of SpacetimeDB is imitated, as the differences between them that somebody can notice.

Everything in here was seen on running servers. Code asks a release for one of these, never for its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..wire import v1_manners
from ..wire.v1_manners import V1Manners


@dataclass(frozen=True)
class Release:
    """What one release does, where another does something else.

    Args:
        name: Under which it is chosen.
        version: What it says that it is.

        newest_abi: The newest minor version of the module ABI that it offers.
        newest_definition: The newest version in which it prints definitions of modules.
        first_id: The first id of tables and what belongs to them.
        last_system_table: The largest id of a system table.

        subprotocols: What it offers to clients, best first.
        first_protocol: How it speaks the first one.
        ticks_keep_pace: Whether an interval's next run is counted from when the last one was due, rather than from when it ran.
        query_set: What it calls a query set in its texts.

        crashed: All that a client is told of a panic.
        no_such_function: What somebody is told over HTTP who calls what is not there.
        no_such_table: What a query is told that names no table that the caller sees; with a place for the name.
        may_not_write: What somebody is told who may not write by SQL; with a place for the caller.
        wraps_index_errors: Whether the text about a key that is taken names the datastore too.
        reads_negative_numbers: Whether SQL can write negative numbers.
        reads_dotted_names: Whether SQL looks for tables with names of several parts, rather than refusing them as such.
        needs_both_indexes: Whether both columns of a subscription's join need an index; otherwise only that of the table
            which is looked up, and not both tables may be narrowed.
        sender_is_text: Whether ``:sender`` is written into a query as the caller's digits, rather than being an identity.

        complains_as_before_2: Whether what is said of arguments that do not fit is in the words of servers before 2.0.
        not_authentic: What somebody is told whose token is none; with a place for the reason.
        names_what_is_missing: Whether the answer to an unknown name of a database names it.
        names_bad_parameters: Whether the answer to a bad parameter of an address names it.
        forbids: Whether what is an owner's business is forbidden to others (403), rather than failing (400, 500).
        looks_late: Whether some routes go on without a database that is not there: to subscribe fails (500), the time is told.
        guards_names: Whether only an owner may give a database another name.
        has_plans: Whether what publishing would do can be asked for, databases can be set back, and publishing has a policy.
        sql_is_a_visit: Whether the connect hooks run around SQL over HTTP.
        names_functions: Whether lines of the log name the function that wrote them.
        fewest_log_lines: How many lines of the log somebody gets who asks for none.
        migrates_tables: Whether publishing may remove empty tables, add columns and constraints, and widen types.
        keeps_on_failed_clear: Whether a database survives that is published with ``clear`` when that fails.

        ping_interval: Seconds between pings of the server.
        idle_timeout: Seconds without a sign of life after which a client is gone.
    """

    name: str
    version: str

    newest_abi: int
    newest_definition: int
    first_id: int
    last_system_table: int

    subprotocols: tuple[str, ...]
    first_protocol: V1Manners
    query_set: str
    ticks_keep_pace: bool

    crashed: str
    no_such_function: str
    no_such_table: str
    may_not_write: str
    wraps_index_errors: bool
    reads_negative_numbers: bool
    reads_dotted_names: bool
    needs_both_indexes: bool
    sender_is_text: bool

    complains_as_before_2: bool
    not_authentic: str
    names_what_is_missing: bool
    names_bad_parameters: bool
    forbids: bool
    looks_late: bool
    guards_names: bool
    has_plans: bool
    sql_is_a_visit: bool
    names_functions: bool
    fewest_log_lines: int
    migrates_tables: bool
    keeps_on_failed_clear: bool

    ping_interval: float
    idle_timeout: float

    def __str__(self) -> str:
        return self.name


_V1 = ("v1.bsatn.spacetimedb", "v1.json.spacetimedb")

RELEASE_2_8: Final = Release(
    name="2.8",
    version="2.8.3",
    newest_abi=6,
    newest_definition=10,
    first_id=4096,
    last_system_table=20,
    subprotocols=("v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb", *_V1),
    first_protocol=v1_manners.NEWEST,
    query_set="QuerySetId",
    ticks_keep_pace=True,
    crashed="The instance encountered a fatal error.",
    no_such_function="No such procedure",
    no_such_table="no such table: `{}`. If the table exists, it may be marked private.",
    may_not_write="Caller {} is not authorized to run SQL DML statements",
    wraps_index_errors=True,
    reads_negative_numbers=True,
    reads_dotted_names=True,
    needs_both_indexes=True,
    sender_is_text=False,
    complains_as_before_2=False,
    not_authentic="Invalid token: {}",
    names_what_is_missing=True,
    names_bad_parameters=True,
    forbids=True,
    looks_late=True,
    guards_names=True,
    has_plans=True,
    sql_is_a_visit=True,
    names_functions=True,
    fewest_log_lines=1,
    migrates_tables=True,
    keeps_on_failed_clear=True,
    ping_interval=15.0,
    idle_timeout=30.0,
)
RELEASE_1_2: Final = Release(
    name="1.2",
    version="1.2.0",
    newest_abi=0,
    newest_definition=9,
    first_id=4097,
    last_system_table=10,
    subprotocols=_V1,
    first_protocol=v1_manners.OLDEST,
    query_set="QueryId",
    ticks_keep_pace=False,
    crashed="The Wasm instance encountered a fatal error.",
    no_such_function="no such reducer",
    no_such_table="`{}` is not a valid table",
    may_not_write="Only owners are authorized to run SQL DML statements",
    wraps_index_errors=False,
    reads_negative_numbers=False,
    reads_dotted_names=False,
    needs_both_indexes=False,
    sender_is_text=True,
    complains_as_before_2=True,
    not_authentic="TokenError(Error({}))",
    names_what_is_missing=False,
    names_bad_parameters=False,
    forbids=False,
    looks_late=False,
    guards_names=False,
    has_plans=False,
    sql_is_a_visit=False,
    names_functions=False,
    fewest_log_lines=0,
    migrates_tables=False,
    keeps_on_failed_clear=False,
    ping_interval=60.0,
    idle_timeout=120.0,
)

RELEASES: Final = {release.name: release for release in (RELEASE_2_8, RELEASE_1_2)}
"""By name, the default first."""
NEWEST: Final = RELEASE_2_8


def release_like(version: str) -> Release:
    """Return the release to imitate beside a server of some version.

    Args:
        version: What the server says that it is, as ``1.2.0``.
    """
    return RELEASE_1_2 if version.startswith("1.") else NEWEST


def release_named(name: str) -> Release:
    """Return a release by its name.

    Raises:
        ValueError: It is none that can be imitated.
    """
    try:
        return RELEASES[name]
    except KeyError:
        raise ValueError(f"{name!r} is no release that can be imitated: there are {', '.join(RELEASES)}") from None
