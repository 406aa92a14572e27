"""What each setting of the configuration may be, and under which section and names it is found."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

_SECTIONS = {
    "spacetimedb_config": ("address", "port", "db_path", "log_level", "database", "scheme", "token", "ca_file"),
    "module_config": ("module_path", "module_dir", "build_module"),
    "server_config": ("cache_size_mb", "max_connections", "timeout_ms", "auth_required", "attach", "backup_path"),
    "client_config": ("connect_timeout_ms", "retry_attempts", "retry_delay_ms"),
}
SECTION_OF: dict[str, str] = {name: section for section, names in _SECTIONS.items() for name in names}

ALWAYS_WRITTEN = frozenset(
    ("address", "port", "db_path", "log_level", "module_path", "module_dir", "build_module", "cache_size_mb")
)
"""Settings that the document has even where they have their default values."""

FEATURES = (
    "enable_state_versioning",
    "enable_audit_log",
    "enable_metrics",
    "enable_caching",
    "enable_distribution",
)
ATTACH = ("auto", "always", "never")
LOG_LEVELS = ("error", "warn", "info", "debug", "trace")
_FEATURE_SECTIONS = ("feature_flags", "features")
_DATABASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be non-empty text"


def _optional_text(value: Any) -> str | None:
    return None if value is None or _text(value) is None else "must be non-empty text or None"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _whole(low: int, high: int) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if good else f"must be a whole number from {low} to {high}"

    return rule


def _one_of(*choices: str) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and value in choices else "must be one of " + ", ".join(choices)

    return rule


def _database(value: Any) -> str | None:
    if isinstance(value, str) and _DATABASE.fullmatch(value):
        return None
    return "must be lowercase letters and digits with single dashes between"


_DAY_MS = 24 * 60 * 60 * 1000
_RULES: dict[str, Callable[[Any], str | None]] = {
    "address": _text,
    "port": _whole(0, 65535),
    "db_path": _text,
    "log_level": _one_of(*LOG_LEVELS),
    "database": _database,
    "scheme": _one_of("http", "https"),
    "token": _optional_text,
    "module_path": _optional_text,
    "module_dir": _optional_text,
    "build_module": _flag,
    "cache_size_mb": _whole(1, 1 << 20),
    "max_connections": _whole(1, 1 << 20),
    "timeout_ms": _whole(1, _DAY_MS),
    "auth_required": _flag,
    "ca_file": _optional_text,
    "attach": _one_of(*ATTACH),
    "backup_path": _optional_text,
    "connect_timeout_ms": _whole(1, _DAY_MS),
    "retry_attempts": _whole(0, 1000),
    "retry_delay_ms": _whole(0, _DAY_MS),
}


def problem_of(name: str, value: Any) -> str | None:
    """Tell what is wrong with the value of a setting; None if nothing is."""
    problem = _RULES[name](value)
    if problem is None:
        return None
    return f"{name} {problem}" if name == "token" else f"{name} {problem}, not {value!r}"


def feature_problems(features: Any) -> list[str]:
    """Tell what is wrong with the feature flags."""
    if not isinstance(features, Mapping):
        return [f"features must be a dict of flag to bool, not {features!r}"]
    problems = []
    for name, value in features.items():
        if name not in FEATURES:
            problems.append(f"unknown feature flag {name!r}{_nearest(name, FEATURES)}")
        elif not isinstance(value, bool):
            problems.append(f"feature flag {name} must be true or false, not {value!r}")
    return problems


def collect(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Sort a nested or flat document into settings, feature flags and problems with its names."""
    settings: dict[str, Any] = {}
    features: dict[str, Any] = {}
    problems: list[str] = []
    if not isinstance(data, Mapping):
        return settings, features, [f"a configuration is a dict, not {type(data).__name__}"]
    for key, value in data.items():
        if key in _SECTIONS or key in _FEATURE_SECTIONS:
            if not isinstance(value, Mapping):
                problems.append(f"section {key} must be a dict, not {value!r}")
            elif key in _FEATURE_SECTIONS:
                features.update(value)
            else:
                for name, inner in value.items():
                    _take(settings, problems, name, inner, _SECTIONS[key], f" in {key}")
        elif key in FEATURES:
            features[key] = value
        else:
            _take(settings, problems, key, value, (*SECTION_OF, *_SECTIONS, *_FEATURE_SECTIONS), "")
    return settings, features, problems


def collect_environment(variables: Mapping[str, str], prefix: str) -> tuple[dict[str, Any], dict[str, bool], list[str]]:
    """Read the settings and feature flags among environment variables; an empty variable counts as not set."""
    settings: dict[str, Any] = {}
    features: dict[str, bool] = {}
    problems: list[str] = []
    for name in (*SECTION_OF, *FEATURES):
        variable = prefix + name.upper()
        text = variables.get(variable, "")
        if not text:
            continue
        rule = _flag if name in FEATURES else _RULES[name]
        value: Any = text
        if rule is _flag:
            if text.lower() not in _TRUE + _FALSE:
                problems.append(f"{variable} must be true or false, not {text!r}")
                continue
            value = text.lower() in _TRUE
        elif rule(0) is None or rule(1) is None:
            try:
                value = int(text)
            except ValueError:
                problems.append(f"{variable} must be a whole number, not {text!r}")
                continue
        (features if name in FEATURES else settings)[name] = value
    return settings, features, problems


def _take(
    settings: dict[str, Any], problems: list[str], name: Any, value: Any, known: tuple[str, ...], place: str
) -> None:
    if name in known and name in SECTION_OF:
        settings[name] = value
    else:
        problems.append(f"unknown setting {name!r}{place}{_nearest(name, known)}")


def _nearest(name: Any, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
