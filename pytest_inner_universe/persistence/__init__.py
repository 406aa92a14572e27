"""Inner Universe: entities, relations, events and state versions on SpacetimeDB.

The names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .archive.copying import copy_database as copy_database
    from .archive.exporting import Transform as Transform
    from .archive.exporting import export_database as export_database
    from .archive.importing import import_archive as import_archive
    from .archive.manifest import Archive as Archive
    from .archive.manifest import ArchivedTable as ArchivedTable
    from .archive.progress import Progress as Progress
    from .archive.progress import ProgressCallback as ProgressCallback
    from .archive.reading import read_archive as read_archive
    from .archive.replaying import replay_events as replay_events
    from .archive.rewinding import restore_until as restore_until
    from .archive.rewinding import rewind_archive as rewind_archive
    from .attached_controller import AttachedController as AttachedController
    from .batch import BatchOperation as BatchOperation
    from .batch import EntityBatch as EntityBatch
    from .batch import EventBatch as EventBatch
    from .batch import RelationBatch as RelationBatch
    from .cache import Cache as Cache
    from .cache import CacheEntry as CacheEntry
    from .cached_function import cache_entity as cache_entity
    from .cold_copy import ColdCopy as ColdCopy
    from .cold_copy import read_copy as read_copy
    from .cold_copy import restore_copy as restore_copy
    from .cold_copy import write_copy as write_copy
    from .config import InnerUniverseConfig as InnerUniverseConfig
    from .controller import InnerUniverseController as InnerUniverseController
    from .conversions import Conversions as Conversions
    from .encryption import Encryption as Encryption
    from .encryption import KeyProvider as KeyProvider
    from .encryption import Keys as Keys
    from .errors import AuthorizationError as AuthorizationError
    from .errors import BackupError as BackupError
    from .errors import BatchError as BatchError
    from .errors import ConflictError as ConflictError
    from .errors import ConnectionError as ConnectionError
    from .errors import ControllerError as ControllerError
    from .errors import CorruptDataError as CorruptDataError
    from .errors import DeltaError as DeltaError
    from .errors import DeploymentError as DeploymentError
    from .errors import EntityNotFoundError as EntityNotFoundError
    from .errors import FeatureDisabledError as FeatureDisabledError
    from .errors import IntegrityError as IntegrityError
    from .errors import ModuleBuildError as ModuleBuildError
    from .errors import NERVPersistenceError as NERVPersistenceError
    from .errors import NoClientError as NoClientError
    from .errors import NotConnectedError as NotConnectedError
    from .errors import NotFoundError as NotFoundError
    from .errors import PersistenceError as PersistenceError
    from .errors import PoolTimeoutError as PoolTimeoutError
    from .errors import PreflightError as PreflightError
    from .errors import ReducerCrashedError as ReducerCrashedError
    from .errors import ReducerError as ReducerError
    from .errors import RelationNotFoundError as RelationNotFoundError
    from .errors import RestoreError as RestoreError
    from .errors import SchemaVersionError as SchemaVersionError
    from .errors import ServerStartError as ServerStartError
    from .errors import ValidationError as ValidationError
    from .errors import VersionConflictError as VersionConflictError
    from .errors import VersionNotFoundError as VersionNotFoundError
    from .event_bus import SpacetimeEventBus as SpacetimeEventBus
    from .health import HealthEndpoint as HealthEndpoint
    from .inner_universe import InnerUniverseClient as InnerUniverseClient
    from .manager import PersistenceManager as PersistenceManager
    from .manager import initialize_persistence as initialize_persistence
    from .metrics import MemoryMetrics as MemoryMetrics
    from .metrics import Metrics as Metrics
    from .metrics import PrometheusMetrics as PrometheusMetrics
    from .migration import check_migration as check_migration
    from .monitoring import EventMonitor as EventMonitor
    from .monitoring import VersionMonitor as VersionMonitor
    from .nerv_bridge import NervBridge as NervBridge
    from .nerv_bridge import NervBus as NervBus
    from .perspective_aware import PerspectiveAware as PerspectiveAware
    from .pool import ClientPool as ClientPool
    from .pool import PoolStatistics as PoolStatistics
    from .preflight import Check as Check
    from .preflight import Preflight as Preflight
    from .preflight import check_deployment as check_deployment
    from .recovery import Recovery as Recovery
    from .state_projector import SpacetimeStateProjector as SpacetimeStateProjector
    from .subscriptions import ChangeSubscription as ChangeSubscription
    from .temporal_store import SpacetimeTemporalStore as SpacetimeTemporalStore
    from .tenants import TenantRouter as TenantRouter
    from .types import DELETED as DELETED
    from .types import INSERTED as INSERTED
    from .types import UPDATED as UPDATED
    from .types import DeltaMetadata as DeltaMetadata
    from .types import DeltaOperation as DeltaOperation
    from .types import EntityMetadata as EntityMetadata
    from .types import FilterOperator as FilterOperator
    from .types import Message as Message
    from .types import NewEntity as NewEntity
    from .types import NewEvent as NewEvent
    from .types import NewRelation as NewRelation
    from .types import QueryFilter as QueryFilter
    from .types import RelationMetadata as RelationMetadata
    from .types import SystemState as SystemState
    from .types import SystemStatus as SystemStatus

_NAMES: dict[str, tuple[str, ...]] = {
    "archive.copying": ("copy_database",),
    "archive.exporting": (
        "Transform",
        "export_database",
    ),
    "archive.importing": ("import_archive",),
    "archive.manifest": (
        "Archive",
        "ArchivedTable",
    ),
    "archive.progress": (
        "Progress",
        "ProgressCallback",
    ),
    "archive.reading": ("read_archive",),
    "archive.replaying": ("replay_events",),
    "archive.rewinding": (
        "restore_until",
        "rewind_archive",
    ),
    "attached_controller": ("AttachedController",),
    "cold_copy": ("ColdCopy", "read_copy", "restore_copy", "write_copy"),
    "config": ("InnerUniverseConfig",),
    "controller": ("InnerUniverseController",),
    "conversions": ("Conversions",),
    "errors": (
        "AuthorizationError",
        "BackupError",
        "BatchError",
        "ConflictError",
        "ConnectionError",
        "ControllerError",
        "DeploymentError",
        "ModuleBuildError",
        "NoClientError",
        "ServerStartError",
        "CorruptDataError",
        "DeltaError",
        "EntityNotFoundError",
        "FeatureDisabledError",
        "IntegrityError",
        "NERVPersistenceError",
        "NotConnectedError",
        "NotFoundError",
        "PersistenceError",
        "PoolTimeoutError",
        "PreflightError",
        "ReducerCrashedError",
        "ReducerError",
        "RelationNotFoundError",
        "RestoreError",
        "SchemaVersionError",
        "ValidationError",
        "VersionConflictError",
        "VersionNotFoundError",
    ),
    "event_bus": ("SpacetimeEventBus",),
    "inner_universe": ("InnerUniverseClient",),
    "manager": ("PersistenceManager", "initialize_persistence"),
    "migration": ("check_migration",),
    "preflight": ("Check", "Preflight", "check_deployment"),
    "cache": (
        "Cache",
        "CacheEntry",
    ),
    "cached_function": ("cache_entity",),
    "nerv_bridge": ("NervBridge", "NervBus"),
    "pool": (
        "ClientPool",
        "PoolStatistics",
    ),
    "batch": (
        "BatchOperation",
        "EntityBatch",
        "EventBatch",
        "RelationBatch",
    ),
    "encryption": (
        "Encryption",
        "KeyProvider",
        "Keys",
    ),
    "health": ("HealthEndpoint",),
    "metrics": (
        "MemoryMetrics",
        "Metrics",
        "PrometheusMetrics",
    ),
    "monitoring": ("EventMonitor", "VersionMonitor"),
    "recovery": ("Recovery",),
    "perspective_aware": ("PerspectiveAware",),
    "state_projector": ("SpacetimeStateProjector",),
    "subscriptions": ("ChangeSubscription",),
    "temporal_store": ("SpacetimeTemporalStore",),
    "tenants": ("TenantRouter",),
    "types": (
        "DELETED",
        "INSERTED",
        "UPDATED",
        "DeltaMetadata",
        "DeltaOperation",
        "EntityMetadata",
        "FilterOperator",
        "Message",
        "NewEntity",
        "NewEvent",
        "NewRelation",
        "QueryFilter",
        "RelationMetadata",
        "SystemState",
        "SystemStatus",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
