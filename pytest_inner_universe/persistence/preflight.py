"""The checklist before a deployment: eight questions, each answered, whatever the others' answers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from . import preflight_checks as checks
from .config import InnerUniverseConfig
from .config_rules import problem_of
from .errors import PreflightError
from .preflight_checks import Finding, Situation
from .starting import StartOrAttach
from .threads import finished

Question = Callable[[Situation], Finding]


@dataclass(frozen=True)
class Check:
    """One item of the checklist.

    Args:
        name: Its name, in one word.
        title: What is asked.
        passed: Whether it is so.
        finding: What was found.
        advice: What to do, where it is not so.
    """

    name: str
    title: str
    passed: bool
    finding: str
    advice: str = ""

    def __str__(self) -> str:
        text = f"{'ok     ' if self.passed else 'problem'} {self.title}: {self.finding}"
        return text if self.passed or not self.advice else f"{text}; {self.advice}"


@dataclass(frozen=True)
class Preflight:
    """The answered checklist.

    Args:
        checks: The items, in their order.
    """

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """The items that do not pass."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def is_ready(self) -> bool:
        """Whether every item passes."""
        return not self.problems

    def raise_problems(self) -> None:
        """Raise `PreflightError` with everything that does not pass; do nothing if all does."""
        if self.problems:
            raise PreflightError([str(check).removeprefix("problem ") for check in self.problems])

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))


_LIST: tuple[tuple[str, str, Question, tuple[str, ...]], ...] = (
    ("module", "Module compiles to WASM", checks.module, ("module_path", "module_dir", "build_module")),
    ("server", "SpacetimeDB is installed", checks.server, ()),
    ("data", "Database directory is writable", checks.data, ("db_path",)),
    ("port", "Ports are free", checks.port, ("address", "port", "scheme", "attach")),
    (
        "authentication",
        "Authentication is set up",
        checks.authentication,
        ("token", "address", "scheme", "auth_required"),
    ),
    ("backup", "Backups have a place", checks.backup, ("backup_path",)),
    ("monitoring", "Monitoring is configured", checks.monitoring, ("features",)),
    ("configuration", "Configuration is valid", checks.configuration, ()),
)


async def check_deployment(
    config: InnerUniverseConfig, starter: StartOrAttach | None = None, problems: Sequence[str] = ()
) -> Preflight:
    """Answer the checklist for a configuration. Nothing is started, and nothing is written.

    Args:
        config: The configuration, which may have mistakes.
        starter: How a server would be started; as a process unless given.
        problems: What else is wrong with the configuration, such as settings that there are none of.

    Example:
        >>> print(await check_deployment(config))  # doctest: +SKIP
        ok      Module compiles to WASM: /srv/inner_universe_module.wasm, 212311 bytes
        ...
    """
    situation = await checks.look(config, starter or StartOrAttach(), problems)
    answered = []
    for name, title, question, needed in _LIST:
        wrong = [
            setting for setting in needed if setting != "features" and problem_of(setting, getattr(config, setting))
        ]
        if wrong:
            found = Finding(False, f"cannot be told while {' and '.join(wrong)} is wrong")
        else:
            found = await finished(partial(question, situation))
        answered.append(Check(name, title, found.passed, found.text, found.advice))
    return Preflight(tuple(answered))
