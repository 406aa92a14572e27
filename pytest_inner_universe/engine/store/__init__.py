"""The datastore: tables of rows in memory, with transactions, indexes, sequences and forks that share what they can.

Rows are BSATN bytes, and equal rows are equal bytes; nothing is decoded but what an order or a sequence needs.
"""

from __future__ import annotations

from .changes import Changes as Changes
from .changes import TableChanges as TableChanges
from .datastore import Datastore as Datastore
from .reading import EXCLUDED as EXCLUDED
from .reading import INCLUDED as INCLUDED
from .reading import UNBOUNDED as UNBOUNDED
from .reading import Bound as Bound
from .reading import Reader as Reader
from .reading import ReadView as ReadView
from .schema import Index as Index
from .schema import Table as Table
from .transaction import Transaction as Transaction
