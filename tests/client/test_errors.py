"""Errors that the other tests do not meet, and what all of them have in common."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from pytest_inner_universe import client
from pytest_inner_universe.client import errors
from pytest_inner_universe.client.errors import (
    CallError,
    ClientError,
    ConnectionLost,
    ConnectionRejected,
    NotConnected,
    OutcomeUnknown,
    ProcedureCrashed,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
    RequestTimeout,
    SubscriptionFailed,
    UnknownProcedure,
    UnknownReducer,
    UnknownTable,
    WaitTimeout,
    WrongLoop,
)

EXAMPLES = [
    ConnectionRejected("no", 1011),
    NotConnected("module exited", 1001),
    ConnectionLost("the answer", "gone", 1001, "client"),
    OutcomeUnknown("r", "gone", takes_retry=True),
    WrongLoop("one", "other"),
    CallError("r", "no"),
    ReducerFailed("r", "no"),
    ReducerCrashed("r", "no"),
    UnknownReducer("r", ["s"]),
    UnknownReducer("p", ["s"], is_procedure=True),
    UnknownProcedure("r", ["s"], is_reducer=True),
    ProcedureCrashed("p", "no"),
    UnknownTable("t", ["s"]),
    QueryFailed("SQL", "no"),
    SubscriptionFailed(("SQL",), "no"),
    RequestTimeout("the answer", 5),
    WaitTimeout("f", 5),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_can_be_copied_and_sent_to_another_process(error: ClientError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
        assert len(str(error).splitlines()) <= 10


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRejected(""), "the server refused the connection without giving a reason"),
        (ConnectionRejected("", 1006), "the server refused the connection (code 1006) without giving a reason"),
        (NotConnected(), "the connection is not open: the server closed it"),
        (
            ConnectionLost("the answer", "gone", 1001),
            "the connection was lost while waiting for the answer: the server closed it with code 1001: gone",
        ),
        (CallError("r", "no"), "reducer 'r': no"),
        (UnknownTable("a", []), "the module has no table 'a'; it has none at all"),
        (
            UnknownReducer("xyz", [f"reducer_{n:02}" for n in range(20)]),
            "the module has no reducer 'xyz'; there are "
            + ", ".join(f"reducer_{n:02}" for n in range(12))
            + ", and 8 more",
        ),
        (
            OutcomeUnknown("p", "gone"),
            (
                "the connection was lost while waiting for the answer to the call of 'p': the server closed it: gone\n"
                "  it is not known whether 'p' ran; look at the data before calling it again"
            ),
        ),
        (RequestTimeout("the answer", 0.5), "the answer did not come within 0.5 s"),
    ],
)
def test_texts(error: ClientError, text: str) -> None:
    assert str(error) == text


def test_builtin_parents() -> None:
    assert issubclass(UnknownTable, KeyError)
    assert issubclass(RequestTimeout, TimeoutError)
    assert issubclass(WaitTimeout, TimeoutError)


def test_the_tree_in_the_first_lines_names_every_error() -> None:
    tree = inspect.getdoc(errors) or ""
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ClientError)]
    assert [kind.__name__ for kind in classes if kind.__name__ not in tree] == []


def test_the_package_gives_its_names_when_asked() -> None:
    assert client.ReducerFailed is ReducerFailed
    assert client.Connection.__module__ == "pytest_inner_universe.client.connection"
    with pytest.raises(AttributeError) as caught:
        _ = client.Conection
    assert str(caught.value) == "module 'pytest_inner_universe.client' has no attribute 'Conection'"
    assert not hasattr(client, "Client")


@pytest.mark.parametrize("home", client._HOMES)
def test_every_name_has_its_home(home: str) -> None:
    for name in client._HOMES[home].split():
        assert getattr(client, name).__name__ == name
