"""Configuration: defaults, documents, environment, and every mistake at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence.config import InnerUniverseConfig
from pytest_inner_universe.persistence.errors import ValidationError

DEPLOYMENT_SAMPLE = {
    "module_config": {
        "module_dir": "/srv/module",
        "module_path": "/srv/inner_universe_module.wasm",
        "build_module": True,
    },
    "spacetimedb_config": {"db_path": "/srv/db", "address": "127.0.0.1", "port": 3000, "log_level": "info"},
    "server_config": {"max_connections": 100, "timeout_ms": 30000, "cache_size_mb": 512, "auth_required": True},
    "feature_flags": {
        "enable_state_versioning": True,
        "enable_audit_log": True,
        "enable_metrics": True,
        "enable_caching": True,
        "enable_distribution": False,
    },
}


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("address", "127.0.0.1"),
        ("port", 3000),
        ("module_path", None),
        ("db_path", "./inner_universe_db"),
        ("build_module", False),
        ("module_dir", None),
        (
            "features",
            {
                "enable_state_versioning": True,
                "enable_audit_log": True,
                "enable_metrics": False,
                "enable_caching": True,
            },
        ),
        ("cache_size_mb", 256),
        ("log_level", "info"),
        ("database", "inner-universe"),
        ("scheme", "http"),
        ("token", None),
        ("connect_timeout_ms", 10_000),
        ("timeout_ms", 30_000),
        ("retry_attempts", 3),
        ("retry_delay_ms", 100),
        ("max_connections", 100),
        ("auth_required", True),
        ("ca_file", None),
        ("attach", "auto"),
        ("backup_path", None),
    ],
)
def test_defaults(name: str, default: Any) -> None:
    assert getattr(InnerUniverseConfig(), name) == default


def test_each_configuration_has_its_own_features() -> None:
    InnerUniverseConfig().features["enable_metrics"] = True
    assert InnerUniverseConfig().features["enable_metrics"] is False


def test_the_document_of_the_defaults() -> None:
    assert InnerUniverseConfig().to_dict() == {
        "spacetimedb_config": {
            "address": "127.0.0.1",
            "port": 3000,
            "db_path": "./inner_universe_db",
            "log_level": "info",
        },
        "module_config": {"module_path": None, "module_dir": None, "build_module": False},
        "server_config": {"cache_size_mb": 256},
        "feature_flags": {
            "enable_state_versioning": True,
            "enable_audit_log": True,
            "enable_metrics": False,
            "enable_caching": True,
        },
    }


CONFIGS = st.builds(
    InnerUniverseConfig,
    address=st.sampled_from(["127.0.0.1", "::1", "db.example"]),
    port=st.integers(0, 65535),
    module_path=st.none() | st.just("m.wasm"),
    db_path=st.just("./db"),
    build_module=st.booleans(),
    module_dir=st.none() | st.just("module"),
    features=st.dictionaries(st.sampled_from(["enable_metrics", "enable_distribution"]), st.booleans()).map(
        lambda flags: {**InnerUniverseConfig().features, **flags}
    ),
    cache_size_mb=st.integers(1, 1000),
    log_level=st.sampled_from(["error", "warn", "info", "debug", "trace"]),
    database=st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True),
    scheme=st.sampled_from(["http", "https"]),
    token=st.none() | st.just("secret"),
    connect_timeout_ms=st.integers(1, 1000),
    timeout_ms=st.integers(1, 1000),
    retry_attempts=st.integers(0, 10),
    retry_delay_ms=st.integers(0, 10),
    max_connections=st.integers(1, 10),
    auth_required=st.booleans(),
    ca_file=st.none() | st.just("ca.pem"),
    attach=st.sampled_from(["auto", "always", "never"]),
    backup_path=st.none() | st.just("backups"),
)


@given(CONFIGS)
def test_the_document_reads_back_as_the_same_configuration(config: InnerUniverseConfig) -> None:
    document = json.loads(json.dumps(config.to_dict(include_token=True)))
    assert InnerUniverseConfig.from_dict(document) == config


def test_the_sample_of_the_deployment_guide_loads() -> None:
    config = InnerUniverseConfig.from_dict(DEPLOYMENT_SAMPLE)
    assert (config.module_dir, config.build_module, config.cache_size_mb) == ("/srv/module", True, 512)
    assert config.features["enable_distribution"] is False
    assert config.feature("enable_metrics")


def test_a_flat_dict_loads() -> None:
    config = InnerUniverseConfig.from_dict({"db_path": "/srv/db", "port": 3789, "enable_caching": False})
    assert (config.db_path, config.port, config.feature("enable_caching")) == ("/srv/db", 3789, False)
    assert config.feature("enable_audit_log")


def test_a_token_is_neither_shown_nor_written_unless_asked_for() -> None:
    config = InnerUniverseConfig(token="very-secret")
    assert "very-secret" not in repr(config)
    assert "very-secret" not in str(config.to_dict())
    assert config.to_dict(include_token=True)["spacetimedb_config"]["token"] == "very-secret"


def test_a_wrong_token_is_not_shown_in_the_error() -> None:
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig(token=b"very-secret").validate()  # type: ignore[arg-type]
    assert str(caught.value) == "token must be non-empty text or None"


def test_every_mistake_is_in_one_error() -> None:
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig.from_dict(
            {
                "spacetimedb_config": {"prt": 1, "port": 70_000, "log_level": "loud"},
                "module_config": [],
                "database": "inner_universe",
                "feature_flags": {"enable_metric": True, "enable_caching": "yes"},
            }
        )
    assert str(caught.value) == (
        "7 problems in the configuration:\n"
        "- unknown setting 'prt' in spacetimedb_config; did you mean port?\n"
        "- section module_config must be a dict, not []\n"
        "- port must be a whole number from 0 to 65535, not 70000\n"
        "- log_level must be one of error, warn, info, debug, trace, not 'loud'\n"
        "- database must be lowercase letters and digits with single dashes between, not 'inner_universe'\n"
        "- feature flag enable_caching must be true or false, not 'yes'\n"
        "- unknown feature flag 'enable_metric'; did you mean enable_metrics?"
    )
    assert len(caught.value.problems) == 7


def test_more_mistakes_than_fit_are_counted() -> None:
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig.from_dict({f"nothing-{i}": i for i in range(11)})
    assert len(str(caught.value).splitlines()) == 10
    assert str(caught.value).endswith("- and 3 more, in .problems")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", True),
        ("port", "3000"),
        ("address", " "),
        ("db_path", ""),
        ("scheme", "ftp"),
        ("database", "Upper"),
        ("database", "two--dashes"),
        ("cache_size_mb", 0),
        ("timeout_ms", 0),
        ("retry_attempts", -1),
        ("max_connections", 0),
        ("auth_required", 1),
        ("build_module", "yes"),
        ("module_path", ""),
        ("attach", True),
        ("features", None),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig(**{name: value}).validate()
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{name} must be ")
    assert caught.value.problems[0].endswith(f", not {value!r}")


def test_from_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(DEPLOYMENT_SAMPLE), encoding="utf-8")
    assert InnerUniverseConfig.from_file(path).db_path == "/srv/db"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "configuration file {} cannot be read: No such file or directory"),
        (
            "{",
            "configuration file {} is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("[]", "configuration file {} holds a list, not an object"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig.from_file(path)
    assert str(caught.value) == problem.format(path)


def test_from_env_takes_settings_and_flags() -> None:
    environ = {
        "INNER_UNIVERSE_PORT": "3789",
        "INNER_UNIVERSE_DATABASE": "other",
        "INNER_UNIVERSE_BUILD_MODULE": "Yes",
        "INNER_UNIVERSE_ENABLE_METRICS": "1",
        "INNER_UNIVERSE_ADDRESS": "",
        "INNER_UNIVERSE_BACKEND": "not ours",
        "PORT": "1",
    }
    base = InnerUniverseConfig(address="db.example")
    config = InnerUniverseConfig.from_env(environ, base)
    assert (config.port, config.database, config.build_module) == (3789, "other", True)
    assert (config.address, config.feature("enable_metrics")) == ("db.example", True)
    assert base == InnerUniverseConfig(address="db.example")


def test_from_env_says_which_variables_are_wrong() -> None:
    environ = {
        "INNER_UNIVERSE_PORT": "many",
        "INNER_UNIVERSE_ENABLE_CACHING": "perhaps",
        "INNER_UNIVERSE_SCHEME": "ws",
    }
    with pytest.raises(ValidationError) as caught:
        InnerUniverseConfig.from_env(environ)
    assert caught.value.problems == (
        "INNER_UNIVERSE_PORT must be a whole number, not 'many'",
        "INNER_UNIVERSE_ENABLE_CACHING must be true or false, not 'perhaps'",
        "scheme must be one of http, https, not 'ws'",
    )


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (InnerUniverseConfig(), "http://127.0.0.1:3000"),
        (InnerUniverseConfig(address="::1", scheme="https", port=443), "https://[::1]:443"),
    ],
)
def test_url(config: InnerUniverseConfig, url: str) -> None:
    assert config.url == url
