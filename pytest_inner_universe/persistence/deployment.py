"""What a deployment is made of: the document of the configuration, the module, publishing it, and the database's settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bundled import bundled_module_path
from .config import InnerUniverseConfig
from .errors import DeploymentError
from .network import http_api

if TYPE_CHECKING:
    from ..client.http_models import MigrationPlan, Published

PUBLISH_SECONDS = 120.0
"""The most that a server may take to compile a module and run its ``init``."""


def write_document(config: InnerUniverseConfig) -> Path:
    """Write a configuration into a new temporary ``.json`` file that only its user may read; whoever asked removes it.

    The token is not in it.
    """
    import json

    handle, name = tempfile.mkstemp(prefix="inner-universe-", suffix=".json")
    with open(handle, "w", encoding="utf-8") as stream:
        json.dump(config.to_dict(), stream, indent=2)
    return Path(name)


@contextmanager
def checked_document(config: InnerUniverseConfig) -> Iterator[Path]:
    """Give a temporary document of a configuration which reads back without a mistake; it is removed at the end.

    Raises:
        ValidationError: The configuration has mistakes; with all of them.
    """
    config.validate()
    path = write_document(config)
    try:
        InnerUniverseConfig.from_file(path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def read_module(config: InnerUniverseConfig, path: str | os.PathLike[str] | None = None) -> bytes:
    """Return the module to publish: a given file, the configured one, or the one that ships with this package.

    Raises:
        DeploymentError: There is no such file.
    """
    file = Path(path or config.module_path or bundled_module_path())
    try:
        return file.read_bytes()
    except OSError as error:
        reason = f"the module {file} cannot be read: {error.strerror}"
        raise DeploymentError(config.database, config.url, reason) from error


async def publish(
    config: InnerUniverseConfig, wasm: bytes, *, clear: bool = False, plan: MigrationPlan | None = None
) -> Published:
    """Publish a module as the owner of the configuration's token.

    Args:
        config: Which database, where, and as whom.
        wasm: The module.
        clear: Whether to lose the data that is there.
        plan: What the server said that publishing would do; needed where clients break.

    Raises:
        DeploymentError: The server refused, or cannot be reached.
    """
    from ..client.errors import ClientError, HttpError, NotAuthorized, PublishRejected

    def failed(reason: str, stderr: str = "") -> DeploymentError:
        return DeploymentError(config.database, config.url, reason, stderr)

    try:
        async with http_api(config, PUBLISH_SECONDS) as api:
            return await api.publish(wasm, config.database, clear=clear, plan=plan)
    except NotAuthorized as error:
        raise failed("it belongs to somebody else; put its owner's token into the configuration", error.text) from error
    except PublishRejected as error:
        raise failed("the server refused the module", error.text) from error
    except HttpError as error:
        raise failed(f"the server answered with status {error.status}", error.text) from error
    except ClientError as error:
        raise failed(str(error)) from error


def told(config: InnerUniverseConfig, published: Published) -> str:
    """Return what came of publishing, in a line."""
    what = "new" if published.created else "updated"
    return f"published {config.database} ({what}, {published.identity.hex()}) at {config.url}"


def settings_of(config: InnerUniverseConfig, module_version: str) -> dict[str, Any]:
    """Return what the database's own configuration says for a configuration, key by key.

    Args:
        config: The configuration.
        module_version: Version of the module, as it tells it itself.
    """
    features = [_words(name) for name, is_on in config.features.items() if is_on]
    return {
        **{f"feature_{name}": is_on for name, is_on in config.features.items()},
        "cache_size_mb": config.cache_size_mb,
        "log_level": config.log_level,
        "module_config": {
            "name": "inner-universe",
            "version": module_version,
            "cache_size_mb": config.cache_size_mb,
            "log_level": config.log_level.title(),
            "features": features,
        },
    }


def _words(feature: str) -> str:
    """Return a feature's name as the module writes it: enable_audit_log is EnableAuditLog."""
    return "".join(word.title() for word in feature.split("_"))
