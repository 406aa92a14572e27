"""What the module says, as error classes; and the tree of these."""

from __future__ import annotations

import builtins
import pickle

import pytest

from pytest_inner_universe.persistence import errors
from pytest_inner_universe.persistence.reducer_errors import from_reducer_text


@pytest.mark.parametrize(
    ("text", "kind", "attributes", "shown"),
    [
        ("Entity not found: e 1", errors.EntityNotFoundError, {"id": "e 1"}, "entity not found: e 1"),
        ("Relation not found: r1", errors.RelationNotFoundError, {"id": "r1"}, "relation not found: r1"),
        ("State version not found: v1", errors.VersionNotFoundError, {"id": "v1"}, "state version not found: v1"),
        ("Delta not found: d1", errors.NotFoundError, {"id": "d1", "kind": "delta"}, "delta not found: d1"),
        ("Permission not found: *|a|b", errors.NotFoundError, {"id": "*|a|b"}, "permission not found: *|a|b"),
        (
            "Permission denied: create_entity on Person",
            errors.AuthorizationError,
            {"action": "create_entity", "subject": "Person"},
            "Permission denied: create_entity on Person",
        ),
        (
            "Unauthorized: Admin privileges required",
            errors.AuthorizationError,
            {"action": "do_it", "subject": None},
            "Unauthorized: Admin privileges required",
        ),
        (
            "Entity already exists with other content: e1",
            errors.ConflictError,
            {"id": "e1"},
            "Entity already exists with other content: e1",
        ),
        (
            "State version already exists with other content: v\n1",
            errors.ConflictError,
            {"id": "v\n1"},
            "State version already exists with other content: v\n1",
        ),
        (
            "Entity e1 has 2 relations: delete them first or ask for cascade",
            errors.ConflictError,
            {"id": "e1"},
            "Entity e1 has 2 relations: delete them first or ask for cascade",
        ),
        (
            "Invalid strength: must be a finite number",
            errors.ValidationError,
            {},
            "do_it: Invalid strength: must be a finite number",
        ),
        ("Unknown action: x (known: *, a)", errors.ValidationError, {}, "do_it: Unknown action: x (known: *, a)"),
        (
            "State snapshot has 9 bytes, more than the 8 that config snapshot_max_bytes allows",
            errors.ValidationError,
            {},
            "do_it: State snapshot has 9 bytes, more than the 8 that config snapshot_max_bytes allows",
        ),
        (
            'State versioning is disabled: config feature_enable_state_versioning is "false"',
            errors.FeatureDisabledError,
            {"feature": "feature_enable_state_versioning"},
            "do_it: the feature flag feature_enable_state_versioning is off; set it in the module's config",
        ),
        ("Item 3 (e4): Entity not found: e9", errors.BatchError, {"position": 3, "id": "e4"}, None),
        ("something else", errors.ReducerError, {"message": "something else"}, "do_it failed: something else"),
        ("", errors.ReducerError, {"message": ""}, "do_it failed: "),
    ],
)
def test_texts_of_the_module(
    text: str, kind: type[Exception], attributes: dict[str, object], shown: str | None
) -> None:
    error = from_reducer_text("do_it", text)
    assert type(error) is kind
    assert {name: getattr(error, name) for name in attributes} == attributes
    assert shown is None or str(error) == shown


def test_a_batch_error_holds_the_error_of_its_item() -> None:
    error = from_reducer_text("create_relations", "Item 3 (r4): Entity not found: e9")
    assert isinstance(error, errors.BatchError)
    assert isinstance(error.reason, errors.EntityNotFoundError)
    assert str(error) == "item 3 (r4) failed and nothing of the batch was written: entity not found: e9"


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (errors.ConnectionError, (builtins.ConnectionError, errors.PersistenceError)),
        (errors.NotConnectedError, (RuntimeError, builtins.ConnectionError, errors.ConnectionError)),
        (errors.EntityNotFoundError, (LookupError, ValueError, errors.NotFoundError)),
        (errors.RelationNotFoundError, (LookupError, ValueError)),
        (errors.VersionNotFoundError, (LookupError, ValueError)),
        (errors.ValidationError, (ValueError, errors.PersistenceError)),
        (errors.AuthorizationError, (errors.PersistenceError,)),
        (errors.VersionConflictError, (errors.ConflictError,)),
        (errors.FeatureDisabledError, (RuntimeError,)),
        (errors.ReducerCrashedError, (errors.ReducerError,)),
        (errors.NERVPersistenceError, (errors.PersistenceError,)),
    ],
)
def test_errors_can_be_caught_by_their_parents(kind: type[Exception], parents: tuple[type[Exception], ...]) -> None:
    for parent in parents:
        assert issubclass(kind, parent)


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionError("no route"),
        errors.NotConnectedError("get_entity"),
        errors.EntityNotFoundError("e1"),
        errors.NotFoundError("d1", "delta"),
        errors.ConflictError("taken", "e1"),
        errors.VersionConflictError("v1", None),
        errors.AuthorizationError("no", "create", "Person"),
        errors.ValidationError(["a", "b"], "configuration"),
        errors.CorruptDataError("entity", "e1", "not JSON"),
        errors.IntegrityError("v1", "a", "b"),
        errors.FeatureDisabledError("f", "op"),
        errors.BatchError(1, "e1", errors.EntityNotFoundError("e9")),
        errors.ReducerError("r", "m"),
    ],
)
def test_errors_survive_pickling_with_text_and_attributes(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {k: str(v) for k, v in vars(again).items()} == {k: str(v) for k, v in vars(error).items()}


def test_texts_say_what_to_do() -> None:
    assert str(errors.NotConnectedError("get_entity")) == "get_entity: not connected; await connect() first"
    assert str(errors.VersionConflictError("v1", "v2")) == (
        "the head version is v2, not v1: another writer committed; read the head again and commit on top of it"
    )
    assert (
        str(errors.IntegrityError("v1", "aa", "bb")) == "the state of version v1 hashes to bb, but its row records aa"
    )
    assert str(errors.CorruptDataError("entity", "e1", "oh")) == "row e1 of entity cannot be read: oh"
