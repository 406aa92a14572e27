"""Where what a test saw on one side differs from what it saw on the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from ...wire.v1_outcomes import is_crash
from .naming import Names
from .values import AnyOrder, Reader, Text, Token, tokens_of

if TYPE_CHECKING:
    from ..calling import Call
    from .witness import Witness

NOTHING: Final = "nothing"
LONGEST: Final = 240
"""Characters of a value that a difference shows."""
_BEFORE: Final = 60
_UNLIMITED: Final = 2**31


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        where: table, call, statement or event.
        first: what the first side has there.
        second: what the second side has.
    """

    where: str
    first: str
    second: str

    def lines(self, sides: tuple[str, str]) -> list[str]:
        """Return what each side has, in a line of its own; of long values the place where they part.

        Args:
            sides: What the sides are called.
        """
        width = max(map(len, sides)) + 1
        texts = _excerpts(self.first, self.second)
        return [f"  {side + ':':<{width}} {text}" for side, text in zip(sides, texts)]


@dataclass
class Stream:
    """Things that happened one after the other.

    Attributes:
        name: what one of them is called.
        things: the things.
        is_whole: whether nothing can be missing at the end.
    """

    name: str
    things: list[Any]
    is_whole: bool = True


@dataclass
class Seen:
    """What was seen of one universe, ready to be compared."""

    streams: list[Stream] = field(default_factory=list)
    tables: dict[str, AnyOrder] | None = None
    unreadable: str = ""
    is_reset: bool = False

    def tokens(self) -> set[Token]:
        """Return everything that may vary."""
        found: set[Token] = set()
        for tree in (*(stream.things for stream in self.streams), *(self.tables or {}).values()):
            found.update(tokens_of(tree))
        return found


def differences(first: Witness, second: Witness, *, is_cut: bool = False) -> list[Difference]:
    """Return what differs in a universe, the first place of each kind.

    Args:
        first: Who saw it on the first side.
        second: Who saw it on the second side.
        is_cut: Whether the test did not come to its end on one of them, so that the rest is missing there.
    """
    seen = _seen(first, second)
    return _of(*seen, is_cut=is_cut)


def tables_agree(first: Witness, second: Witness) -> bool:
    """Return whether the rows are the same on both sides, as far as that can be told from them alone."""
    seen = _seen(first, second)
    for one in seen:
        one.streams = []
    return not _of(*seen, is_cut=False)


def _of(first: Seen, second: Seen, *, is_cut: bool) -> list[Difference]:
    tokens = first.tokens(), second.tokens()
    shared = {token[:2] for token in tokens[0]} & {token[:2] for token in tokens[1]}
    # A difference shifts the names of what comes after it, so what differs whatever the names are is told alone.
    blind = Names(shared, ()), Names(shared, ())
    found = _differing(first, second, blind, is_cut)
    if found or first.is_reset or second.is_reset:
        # What `init` wrote is the same after a reset on one side, and new on the other, so that names would differ.
        return found
    named = Names(shared, tokens[0]), Names(shared, tokens[1])
    for names, seen in zip(named, (first, second)):
        for stream in seen.streams:
            names.name(stream.things)
        names.name_rows((table, row) for table, rows in sorted((seen.tables or {}).items()) for row in rows)
    return _differing(first, second, named, is_cut)


def _differing(first: Seen, second: Seen, names: tuple[Names, Names], is_cut: bool) -> list[Difference]:
    found = []
    for one, other in zip_longest(first.streams, second.streams):
        difference = _in_stream(one, other, names, is_cut)
        if difference is not None:
            found.append(difference)
    if is_cut:
        return found
    if first.unreadable or second.unreadable:
        if first.unreadable != second.unreadable:
            found.append(Difference("the tables", first.unreadable or "read", second.unreadable or "read"))
    elif first.tables is None or second.tables is None:
        if (first.tables is None) != (second.tables is None):
            texts = ("closed" if seen.tables is None else "open" for seen in (first, second))
            found.append(Difference("the universe at the end of the test", *texts))
    else:
        for table in sorted({*first.tables, *second.tables}):
            rows = first.tables.get(table, AnyOrder()), second.tables.get(table, AnyOrder())
            found += _in_table(table, rows, names)
    return found


def _in_stream(
    first: Stream | None, second: Stream | None, names: tuple[Names, Names], is_cut: bool
) -> Difference | None:
    known = first or second
    assert known is not None
    if first is None or second is None:
        # Only one side has had this client.
        return None if is_cut else Difference(known.name, *("there" if one else NOTHING for one in (first, second)))
    may_lack = is_cut or not (first.is_whole and second.is_whole)
    for number, (one, other) in enumerate(zip_longest(first.things, second.things), 1):
        if one is None or other is None:
            if may_lack:
                return None
            texts = [NOTHING if tree is None else own.shown(tree) for tree, own in zip((one, other), names)]
        else:
            texts = [own.shown(tree) for tree, own in zip((one, other), names)]
        if texts[0] != texts[1]:
            return Difference(f"{first.name} {number}", *texts)
    return None


def _in_table(table: str, rows: tuple[AnyOrder, AnyOrder], names: tuple[Names, Names]) -> list[Difference]:
    looks = [[(own.shown(row), row) for row in side] for side, own in zip(rows, names)]
    counts = [Counter(look for look, _ in side) for side in looks]
    alone = [
        [(look, row) for look, row in side if counts[place][look] > counts[1 - place][look]]
        for place, side in enumerate(looks)
    ]
    if not alone[0] and not alone[1]:
        return []
    where = f"table {table!r} at the end of the test"
    ours, theirs = sorted(alone[0], key=_by_look), sorted(alone[1], key=_by_look)
    if not ours or not theirs:
        texts = (side[0][0] if side else "no such row" for side in (ours, theirs))
        return [Difference(f"{where} ({_numbers(rows)})", *texts)]
    look, row = ours[0]
    columns = {name: names[0].shown(value) for name, value in row.items()}
    others = [(look, {name: names[1].shown(value) for name, value in row.items()}) for look, row in theirs]
    # The row of the other side that is most like it is probably meant to be the same.
    other_look, other = max(others, key=lambda one: sum(columns.get(name) == value for name, value in one[1].items()))
    same = [f"{name}: {value}" for name, value in columns.items() if other.get(name) == value]
    if not same:
        return [Difference(f"{where} ({_numbers(rows)})", look, other_look)]
    parts = (
        ", ".join(f"{name}: {value}" for name, value in side.items() if columns.get(name) != other.get(name))
        for side in (columns, other)
    )
    return [Difference(f"{where}, row {_cut(', '.join(same[:2]))}", *parts)]


def _by_look(one: tuple[str, Any]) -> str:
    return one[0]


def _numbers(rows: Sequence[AnyOrder]) -> str:
    return f"{len(rows[0])} and {len(rows[1])} rows"


def unnamed(text: str, witnesses: Sequence[Witness]) -> str:
    """Return a text with kinds in the place of everything that may vary.

    Args:
        text: The text.
        witnesses: Who saw the universes of the test that it is about.
    """
    known = {literal: name for witness in witnesses for literal, name in witness.known.items()}
    return Names((), ()).shown(Reader(known).text(text))


# What a witness has


def _seen(first: Witness, second: Witness) -> tuple[Seen, Seen]:
    made = Seen(), Seen()
    readers = Reader(first.known), Reader(second.known)
    calls = first.named_calls(), second.named_calls()
    lists: tuple[list[Any], list[Any]] = ([], [])
    for one, other in zip_longest(*calls):
        for things, told in zip(lists, _told(one, other)):
            if told is not None:
                things.append(told)
    for witness, seen, reader, things in zip((first, second), made, readers, lists):
        seen.streams.append(Stream("call", [reader.text(text) for text in things]))
        statements = [
            Text([f"{who}: ", reader.text(text), " -> ", _outcome(reader, outcome)])
            for who, text, outcome in witness.statements
        ]
        seen.streams.append(Stream("statement", statements))
        for client in witness.clients:
            events = [Text([f"{what} ", _outcome(reader, content)]) for what, content in client.events]
            seen.streams.append(Stream(f"{client.name}: event", events, client.is_settled))
        seen.unreadable, seen.is_reset = witness.unreadable, witness.is_reset
        if witness.tables is not None:
            seen.tables = {name: reader.read(rows) for name, rows in witness.tables.items()}
    return made


def _outcome(reader: Reader, outcome: Any) -> Any:
    return reader.text(outcome) if isinstance(outcome, str) else reader.read(outcome)


def _told(one: tuple[Call, str] | None, other: tuple[Call, str] | None) -> tuple[str | None, str | None]:
    """Return two calls as texts, without what cannot be compared: an answer that one of them did not wait for, why one trapped.

    Why a call was not even begun is told in other words over other ways to a server; the words of the module are its own.
    """
    pair = [None if call is None else call[0] for call in (one, other)]
    both = [call for call in pair if call is not None]
    has_end = all(call.status != "unanswered" for call in both)
    has_reason = all(call.status != "refused" and not is_crash(call.reason) for call in both)
    texts: list[str | None] = []
    for made in (one, other):
        if made is None:
            texts.append(None)
            continue
        call, who = made
        text = f"{who}: {call.reducer}({call.arguments(longest=_UNLIMITED)})"
        if has_end:
            text += f" -> {call.status}"
            if call.reason and has_reason:
                text += f": {call.reason}"
        texts.append(text)
    return texts[0], texts[1]


# Texts


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST // 2 else text[: LONGEST // 2] + "..."


def _excerpts(first: str, second: str) -> list[str]:
    """Return the place where two texts part, with what is around it, each in one line."""
    parted = next((n for n, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
    start = 0 if max(len(first), len(second)) <= LONGEST else max(0, parted - _BEFORE)
    shown = []
    for text in (first, second):
        part = text[start : start + LONGEST]
        part = ("..." if start else "") + part + ("..." if start + LONGEST < len(text) else "")
        shown.append(part.replace("\n", "\\n") or "(empty)")
    return shown
