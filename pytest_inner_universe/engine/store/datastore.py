"""The data of one database: tables as stacks of layers, with one writer at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...sats.definition import ModuleDef
from ..release import NEWEST, Release
from .catalog import Catalog
from .errors import MigrationRefused, TransactionOpen
from .layer import Layer
from .reading import ReadView, Stack
from .system import catalog_rows, module_row
from .transaction import Transaction

if TYPE_CHECKING:
    from .migrate import MigrationPlan
    from .schema import Index, Table
    from .sequences import Sequence

DEEPEST = 16
"""How many layers a table may have before a fork puts small ones together."""


class Datastore:
    """The tables of a module with their rows; make one with `create` or `fork`.

    Reading and writing are not synchronised: whoever shares a datastore between threads holds a lock around each transaction.
    Forks are independent of each other in this respect too.

    Args:
        catalog: The tables.
        stacks: The layers of each table, by its slot.
        counters: The next value of each sequence, by its slot.
    """

    def __init__(self, catalog: Catalog, stacks: list[Stack], counters: list[int]) -> None:
        self.catalog = catalog
        self._stacks = stacks
        self._counters = counters
        self._overlaid: set[int] = set()
        self._transaction: Transaction | None = None

    def __repr__(self) -> str:
        rows = sum(self.view().count(table) for table in self.catalog.tables if not table.definition.is_system)
        return f"<Datastore of {len(self.definition.tables)} tables, {rows} rows>"

    @classmethod
    def create(cls, definition: ModuleDef, release: Release = NEWEST) -> Datastore:
        """Make the empty tables of a module, and the system tables that describe them.

        Args:
            definition: The module's definition.
            release: The release of the server whose ids and system tables they have.
        """
        catalog = Catalog.create(definition, release)
        datastore = cls(catalog, [()] * len(catalog.tables), [sequence.start for sequence in catalog.sequences])
        tx = datastore.begin()
        for table, row in catalog_rows(catalog):
            tx.insert(table, row)
        tx.commit()
        return datastore

    @property
    def definition(self) -> ModuleDef:
        """The definition of the module whose data these are."""
        return self.catalog.definition

    @property
    def release(self) -> Release:
        """The release of the server that is imitated."""
        return self.catalog.release

    def table(self, name: str) -> Table:
        """Return a table by its name or its name in the module's source.

        Raises:
            NoSuchTable: There is none; this is a `KeyError` as well.
        """
        return self.catalog.table(name)

    def table_by_id(self, id: int) -> Table:
        """Return a table by its id.

        Raises:
            NoSuchTable: There is none.
        """
        return self.catalog.table_by_id(id)

    def index(self, name: str) -> Index:
        """Return an index by its name or its name in the module's source.

        Raises:
            NoSuchIndex: There is none; this is a `KeyError` as well.
        """
        return self.catalog.index(name)

    def index_by_id(self, id: int) -> Index:
        """Return an index by its id.

        Raises:
            NoSuchIndex: There is none.
        """
        return self.catalog.index_by_id(id)

    def view(self) -> ReadView:
        """Return a view of the committed rows, which follows every commit and does not see an open transaction."""
        return ReadView(self, self._stacks)

    def begin(self) -> Transaction:
        """Begin a transaction.

        Raises:
            TransactionOpen: Another one is open.
        """
        if self._transaction is not None:
            raise TransactionOpen
        self._transaction = Transaction(self, self._stacks.copy())
        return self._transaction

    def fork(self) -> Datastore:
        """Return an independent copy of the committed state, at a cost that does not depend on the number of rows.

        Both sides share what there is now and put their further changes on top of it. Sequences go on from where they are.
        """
        self._freeze()
        return Datastore(self.catalog, self._stacks.copy(), self._counters.copy())

    def _freeze(self) -> None:
        """Make the overlays layers that can be shared."""
        for slot in self._overlaid:
            stack = self._stacks[slot]
            if stack[0].size:
                stack[0].freeze()
                self._stacks[slot] = compact(stack)
            else:
                self._stacks[slot] = stack[1:]
        self._overlaid.clear()

    def plan_migration(self, definition: ModuleDef) -> MigrationPlan:
        """Find out what the tables need to become those of another version of the module.

        Args:
            definition: The definition of that version.

        Returns:
            The steps, or all the reasons why there is no way.
        """
        from .migrate import plan_migration

        return plan_migration(self, definition)

    def migrate(self, plan: MigrationPlan) -> Datastore:
        """Return the state after a migration, as a datastore of its own; this one stays as it is.

        Tables, indexes, constraints and sequences that stay keep their ids, and sequences that stay go on counting.

        Args:
            plan: What `plan_migration` of this datastore found, with no commit in between.

        Raises:
            MigrationRefused: The plan has refusals.
            TransactionOpen: A transaction is open.
        """
        from .evolve import evolved

        if self._transaction is not None:
            raise TransactionOpen
        if plan.refusals:
            raise MigrationRefused(plan.refusals)
        self._freeze()
        return Datastore(*evolved(plan, self.catalog, self._stacks, self._counters))

    def next_value(self, sequence: Sequence) -> bytes:
        """Take the next value of a sequence, as it stands in a row; it stays taken whatever becomes of the transaction."""
        value = self._counters[sequence.slot]
        self._counters[sequence.slot] = sequence.following(value)
        return sequence.encode(value)

    def finish(self, changed: list[tuple[Table, Layer]]) -> None:
        """End the open transaction; it calls this itself.

        Args:
            changed: What it did to each table, to be kept; empty for a rollback.
        """
        self._transaction = None
        for table, layer in changed:
            if table.definition.is_event:
                continue  # reported, and gone
            if table.slot in self._overlaid:
                self._stacks[table.slot][0].absorb(layer)
            else:
                self._stacks[table.slot] = (layer, *self._stacks[table.slot])
                self._overlaid.add(table.slot)

    def set_module_row(self, identity: bytes, owner: bytes, program_hash: str, program: bytes) -> None:
        """Note in ``st_module`` which program runs here.

        Args:
            identity: The database's identity, 32 little-endian bytes.
            owner: Who published it, likewise.
            program_hash: Hash of the program, 64 hexadecimal digits.
            program: The program.
        """
        table = self.table("st_module")
        tx = self.begin()
        tx.clear(table)
        tx.insert(table, module_row(identity, owner, program_hash, program))
        tx.commit()


def compact(stack: Stack) -> Stack:
    """Put the upper layers of a deep stack together, so that reading stays fast.

    A layer is only taken in when it is at most twice as large as all layers above it, and the lowest one never, so that over
    many forks each row is moved a few times at most.
    """
    if len(stack) <= DEEPEST:
        return stack
    total = stack[0].size
    taken = 1
    for depth, layer in enumerate(stack[1:-1], 1):
        if layer.size <= 2 * total:
            taken = depth + 1
        total += layer.size
    if taken == 1:
        return stack
    merged = Layer(len(stack[0].indexes))
    for layer in reversed(stack[:taken]):
        merged.absorb(layer)
    merged.freeze()
    return (merged, *stack[taken:])
