"""Configuration of Inner Universe: where the server is, which module and database, how clients behave.

The defaults of the first eleven lines of the dataclass are fixed by the requirements; those of the rest are ours or the
deployment guide's. `InnerUniverseConfig.to_dict` writes the nested document of the deployment guide, in which further
settings appear only where they differ from their defaults; `from_dict` reads it back, and flat dicts as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from . import config_rules
from .errors import ValidationError

ENVIRONMENT_PREFIX = "INNER_UNIVERSE_"


def default_features() -> dict[str, bool]:
    """Return the feature flags of a configuration that says nothing about them, as a new dict."""
    return {
        "enable_state_versioning": True,
        "enable_audit_log": True,
        "enable_metrics": False,
        "enable_caching": True,
    }


@dataclass
class InnerUniverseConfig:
    """Settings of a client, a controller and the server that it starts.

    Args:
        address: Host name or IP address of the server.
        port: Its TCP port; 0 lets a server started by the controller pick a free one.
        module_path: The compiled module (``.wasm``) to publish; None for the one that ships with this package.
        db_path: Data directory of a server started by the controller.
        build_module: Whether a deployment builds the module from ``module_dir`` first.
        module_dir: Cargo project of the module.
        features: Feature flags; a flag that is absent is off.
        cache_size_mb: Upper bound of the entity cache, in MiB.
        log_level: ``error``, ``warn``, ``info``, ``debug`` or ``trace``.
        database: Name (lowercase letters and digits, single dashes between) or identity of the database.
        scheme: ``http`` or ``https``.
        token: Access token of an existing identity; None for a new anonymous one. Never shown in ``repr`` or errors.
        connect_timeout_ms: How long connecting may take.
        timeout_ms: How long one call or query may take.
        retry_attempts: How often a failed connect is tried again.
        retry_delay_ms: Wait before the first of these, doubled each time.
        max_connections: Most connections that a pool opens.
        auth_required: Whether clients have to present a token.
        ca_file: File with the authorities to trust, for ``https``; None for the system's own.
        attach: Whether a controller uses a server that answers at the address already: ``auto`` if there is one, ``always`` or
            ``never``. It never stops a server that it did not start.
        backup_path: Folder that a controller writes backups to.

    Example:
        >>> InnerUniverseConfig(port=3789).url
        'http://127.0.0.1:3789'
    """

    address: str = "127.0.0.1"
    port: int = 3000
    module_path: str | None = None
    db_path: str = "./inner_universe_db"
    build_module: bool = False
    module_dir: str | None = None
    features: dict[str, bool] = field(default_factory=default_features)
    cache_size_mb: int = 256
    log_level: str = "info"
    database: str = "inner-universe"
    scheme: str = "http"
    token: str | None = field(default=None, repr=False)
    connect_timeout_ms: int = 10_000
    timeout_ms: int = 30_000
    retry_attempts: int = 3
    retry_delay_ms: int = 100
    max_connections: int = 100
    auth_required: bool = True
    ca_file: str | None = None
    attach: str = "auto"
    backup_path: str | None = None

    @property
    def url(self) -> str:
        """Address of the server as a URL without path."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}"

    def feature(self, name: str) -> bool:
        """Tell whether a feature flag is on."""
        return self.features.get(name, False)

    def validate(self) -> None:
        """Check every setting.

        Raises:
            ValidationError: With all mistakes at once, in ``.problems``.
        """
        problems = [
            problem
            for name in config_rules.SECTION_OF
            if (problem := config_rules.problem_of(name, getattr(self, name))) is not None
        ]
        problems += config_rules.feature_problems(self.features)
        if problems:
            raise ValidationError(problems, "configuration")

    def to_dict(self, *, include_token: bool = False) -> dict[str, dict[str, Any]]:
        """Return the settings as a nested document that `from_dict` reads back.

        Args:
            include_token: Whether to write the token, which is left out otherwise.
        """
        document: dict[str, dict[str, Any]] = {
            "spacetimedb_config": {},
            "module_config": {},
            "server_config": {},
            "feature_flags": dict(self.features),
        }
        for item in fields(self):
            if item.name == "features" or (item.name == "token" and not include_token):
                continue
            value = getattr(self, item.name)
            if item.name in config_rules.ALWAYS_WRITTEN or value != item.default:
                document.setdefault(config_rules.SECTION_OF[item.name], {})[item.name] = value
        return document

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InnerUniverseConfig:
        """Read the nested document, or a flat dict of settings, or a mixture.

        Feature flags stand in ``feature_flags``, in ``features``, or flat as ``enable_...``; those not given keep their defaults.

        Raises:
            ValidationError: Unknown names, or values that `validate` refuses; with all mistakes at once.
        """
        settings, features, problems = config_rules.collect(data)
        config = cls(**settings)
        config.features.update(features)
        return _checked(config, problems)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> InnerUniverseConfig:
        """Read a JSON file.

        Raises:
            ValidationError: The file cannot be read, is not a JSON object, or holds what `from_dict` refuses.
        """
        return cls.from_dict(read_document(path))

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, base: InnerUniverseConfig | None = None
    ) -> InnerUniverseConfig:
        """Read variables ``INNER_UNIVERSE_<SETTING>`` and ``INNER_UNIVERSE_ENABLE_<FEATURE>``; others are ignored.

        Args:
            environ: Where to look; ``os.environ`` by default.
            base: Settings for what the environment does not say; the defaults if not given. It is not changed.

        Raises:
            ValidationError: A value that cannot be read, or that `validate` refuses; with all mistakes at once.
        """
        from dataclasses import replace

        variables = os.environ if environ is None else environ
        settings, features, problems = config_rules.collect_environment(variables, ENVIRONMENT_PREFIX)
        start = base or cls()
        config = replace(start, **settings, features={**start.features, **features})
        return _checked(config, problems)


def read_document(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Return the object in a JSON file, whatever its names are.

    Raises:
        ValidationError: The file cannot be read, or is no JSON object.
    """
    import json

    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValidationError(f"configuration file {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ValidationError(f"configuration file {path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ValidationError(f"configuration file {path} holds a {type(data).__name__}, not an object")
    return data


def _checked(config: InnerUniverseConfig, problems: list[str]) -> InnerUniverseConfig:
    try:
        config.validate()
    except ValidationError as error:
        problems = [*problems, *error.problems]
    if problems:
        raise ValidationError(problems, "configuration")
    return config
