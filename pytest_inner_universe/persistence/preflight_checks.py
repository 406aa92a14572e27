"""The questions of the checklist before a deployment, one function each."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from .bundled import bundled_module_path
from .config import InnerUniverseConfig
from .config_rules import problem_of
from .errors import ControllerError, ValidationError
from .network import is_accepted, why_no_answer
from .owner_tokens import OWN, OwnerTokens
from .starting import StartOrAttach
from .toolchain import ToolchainMissing, find_toolchain

_ADDRESS = ("address", "port", "scheme", "token", "ca_file", "timeout_ms")
_WASM = b"\0asm\x01\0\0\0"
_DESCRIBES_ITSELF = b"__describe_module__"


class Finding(NamedTuple):
    """An answer.

    Args:
        passed: Whether it is as it should be.
        text: What was found.
        advice: What to do otherwise.
    """

    passed: bool
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Situation:
    """What the questions are about.

    Args:
        config: The configuration.
        starter: How a server would be started.
        missing: Why no server answers at the configured address; None if one does.
        refused: Whether the server that answers does not accept the token.
        problems: What else is wrong with the configuration.
    """

    config: InnerUniverseConfig
    starter: StartOrAttach
    missing: str | None
    refused: bool = False
    problems: tuple[str, ...] = ()

    @property
    def attaches(self) -> bool:
        """Whether the server that answers would be used."""
        return self.missing is None and self.config.attach != "never"


async def look(config: InnerUniverseConfig, starter: StartOrAttach, problems: Sequence[str] = ()) -> Situation:
    """See whether a server answers already, and whether it accepts the token."""
    wrong = [name for name in _ADDRESS if problem_of(name, getattr(config, name)) is not None]
    if wrong or config.port == 0:
        return Situation(config, starter, "the address is none", problems=tuple(problems))
    missing = await why_no_answer(config)
    token = config.token or _kept(config)
    refused = missing is None and token is not None and not await _is_accepted(replace(config, token=token))
    return Situation(config, starter, missing, refused, tuple(problems))


def module(situation: Situation) -> Finding:
    """Whether there is a module, or what it takes to build it."""
    config = situation.config
    if config.build_module and config.module_dir is not None:
        if not Path(config.module_dir, "Cargo.toml").is_file():
            return Finding(False, f"there is no Cargo.toml in {config.module_dir}", "name the module's cargo project")
        try:
            toolchain = find_toolchain()
        except ToolchainMissing as error:
            first, _, rest = str(error).partition("\n")
            return Finding(False, first, "; ".join(line.strip() for line in rest.splitlines()))
        return Finding(True, f"{toolchain.cargo} builds {config.module_dir}")
    file = Path(config.module_path or bundled_module_path())
    try:
        data = file.read_bytes()
    except OSError as error:
        return Finding(False, f"{file} cannot be read: {error.strerror}", "correct module_path, or leave it out")
    if not data.startswith(_WASM) or _DESCRIBES_ITSELF not in data:
        return Finding(False, f"{file} is no compiled SpacetimeDB module", "build it for wasm32-unknown-unknown")
    return Finding(True, f"{file}, {len(data)} bytes")


def server(situation: Situation) -> Finding:
    """Whether there is a server, or a program or engine to start one with."""
    from ..server.errors import ServerError

    if situation.attaches:
        return Finding(True, f"a server answers at {situation.config.url}")
    if situation.config.attach == "always":
        return Finding(False, f"attach is 'always', and {situation.missing}", "start the server, or set attach to auto")
    try:
        return Finding(True, situation.starter.what_is_there())
    except ServerError as error:
        first, *rest = str(error).splitlines()
        return Finding(False, first, "; ".join(line.strip(" -") for line in rest))


def data(situation: Situation) -> Finding:
    """Whether a server of one's own could keep its data."""
    if situation.attaches or not situation.starter.keeps_data:
        return Finding(True, "nothing is kept here")
    return _writable(Path(situation.config.db_path), "db_path")


def port(situation: Situation) -> Finding:
    """Whether a server could listen, or does already."""
    config = situation.config
    if situation.missing is None:
        if situation.attaches:
            return Finding(True, f"a server answers at {config.url}")
        return Finding(
            False, f"another server answers at {config.url}", "stop it, take another port, or set attach to auto"
        )
    if config.attach == "always":
        return Finding(False, f"nothing to attach to: {situation.missing}", "start the server")
    if config.port == 0:
        return Finding(True, "any free one")
    try:
        family = socket.getaddrinfo(config.address, config.port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((config.address, config.port), family=family):
            pass
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
        return Finding(False, f"{config.address}:{config.port}, {reason}", "port 0 takes any free one")
    return Finding(True, f"{config.address}:{config.port} is free")


def authentication(situation: Situation) -> Finding:
    """Whether the controller can act as the owner, and nobody can read along."""
    config = situation.config
    if config.scheme == "http" and not _is_near(config.address):
        return Finding(
            False, f"tokens would travel unprotected to {config.address}", "use https through a proxy that adds it"
        )
    if situation.attaches and situation.refused:
        return Finding(False, f"{config.url} does not accept the token", "get another from who runs the server")
    if config.token is not None:
        return Finding(True, "a token is configured")
    file = OwnerTokens(config.db_path).file
    if _kept(config, own=not situation.attaches) is not None:
        return Finding(True, f"the owner's token is in {file}")
    if situation.attaches and config.auth_required:
        return Finding(
            False, "auth_required is set and there is no token", "put the owner's token into the configuration"
        )
    return Finding(True, f"the first deployment makes an owner, whose token it keeps in {file}")


def backup(situation: Situation) -> Finding:
    """Whether backups have somewhere to go."""
    if situation.config.backup_path is None:
        return Finding(False, "none is set", "name a folder in backup_path")
    folder = Path(situation.config.backup_path)
    found = _writable(folder, "backup_path")
    newest = max(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, default=None)
    return found._replace(text=f"{found.text}, the newest is {newest.name}") if found.passed and newest else found


def monitoring(situation: Situation) -> Finding:
    """Whether figures are kept."""
    if situation.config.features and situation.config.feature("enable_metrics"):
        return Finding(True, "the feature enable_metrics is on")
    return Finding(False, "the feature enable_metrics is off", "set it")


def configuration(situation: Situation) -> Finding:
    """Whether every setting can be accepted."""
    problems = list(situation.problems)
    try:
        situation.config.validate()
    except ValidationError as error:
        problems += error.problems
    if problems:
        return Finding(False, "; ".join(problems), "correct it")
    return Finding(True, "every setting can be accepted")


def _writable(folder: Path, setting: str) -> Finding:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return Finding(False, f"{there} is no folder", f"name another in {setting}")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(False, f"{there} may not be written", f"change its permissions, or name another in {setting}")
    return Finding(True, str(folder) if there == folder else f"{folder} will be made")


def _is_near(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_loopback or found.is_private


def _kept(config: InnerUniverseConfig, *, own: bool = False) -> str | None:
    with contextlib.suppress(ControllerError):
        return OwnerTokens(config.db_path).get(OWN if own else config.url)
    return None


async def _is_accepted(config: InnerUniverseConfig) -> bool:
    from ..client.errors import ClientError

    try:
        return await is_accepted(config)
    except (ClientError, ValueError):
        return False
