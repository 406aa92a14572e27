"""Errors of the persistence layer.

The tree::

    PersistenceError
    ├── ConnectionError (also the builtin ConnectionError)   the server cannot be reached, or the connection broke
    │   ├── NotConnectedError (RuntimeError)                 an operation on a client, bus or manager that is not connected
    │   ├── PoolTimeoutError (TimeoutError)                  all clients of a pool were in use all the time
    │   └── SchemaVersionError                               the database's tables are not those that this client needs
    ├── NotFoundError (LookupError, ValueError)
    │   ├── EntityNotFoundError
    │   ├── RelationNotFoundError
    │   └── VersionNotFoundError
    ├── ConflictError                                        what is stored already contradicts the request
    │   └── VersionConflictError                             another writer moved the head version
    ├── AuthorizationError                                   the caller may not do that
    ├── ValidationError (ValueError)                         a value, filter or setting that cannot be accepted
    ├── DeltaError (ValueError)                              an operation of a delta does not fit the state
    ├── CorruptDataError                                     a stored row does not hold what it should
    ├── IntegrityError                                       a state does not have the hash that its version records
    ├── BackupError                                          a backup cannot be made, or cannot be used
    │   └── RestoreError                                     an import failed; says whether the database is as it was
    ├── FeatureDisabledError (RuntimeError)                  a feature flag of the configuration switches it off
    ├── BatchError                                           one item failed, so none of the batch was written
    ├── ReducerError                                         a reducer failed with a text that fits none of the above
    │   └── ReducerCrashedError                              it panicked or was stopped
    ├── ControllerError (RuntimeError)                       the controller could not bring something up; .stderr says more
    │   ├── ModuleBuildError                                 the module cannot be built
    │   ├── DeploymentError                                  a server did not take the module
    │   ├── ServerStartError                                 there is no server to be had
    │   ├── PreflightError                                   the checklist before a deployment has problems
    │   └── NoClientError (ConnectionError)                  a server runs, but does not let the controller's client in
    └── NERVPersistenceError                                 a failure seen through one of the NERV adapters

`reducer_errors.from_reducer_text` maps what the module says to this tree.
"""

from __future__ import annotations

from .base import ConnectionError as ConnectionError
from .base import EntityNotFoundError as EntityNotFoundError
from .base import NotConnectedError as NotConnectedError
from .base import NotFoundError as NotFoundError
from .base import PersistenceError as PersistenceError
from .base import PoolTimeoutError as PoolTimeoutError
from .base import RelationNotFoundError as RelationNotFoundError
from .base import SchemaVersionError as SchemaVersionError
from .base import VersionNotFoundError as VersionNotFoundError
from .control import ControllerError as ControllerError
from .control import DeploymentError as DeploymentError
from .control import ModuleBuildError as ModuleBuildError
from .control import NoClientError as NoClientError
from .control import PreflightError as PreflightError
from .control import ServerStartError as ServerStartError
from .data import BackupError as BackupError
from .data import CorruptDataError as CorruptDataError
from .data import DeltaError as DeltaError
from .data import IntegrityError as IntegrityError
from .data import RestoreError as RestoreError
from .reducers import BatchError as BatchError
from .reducers import NERVPersistenceError as NERVPersistenceError
from .reducers import ReducerCrashedError as ReducerCrashedError
from .reducers import ReducerError as ReducerError
from .requests import AuthorizationError as AuthorizationError
from .requests import ConflictError as ConflictError
from .requests import FeatureDisabledError as FeatureDisabledError
from .requests import ValidationError as ValidationError
from .requests import VersionConflictError as VersionConflictError
