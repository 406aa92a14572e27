"""Subscriptions: which queries the clients of a database follow, and what each commit changes for them."""

from __future__ import annotations

from .errors import NoSuchQuerySet, QuerySetExists, QuerySetRefused
from .subscriptions import Subscriptions

__all__ = ["NoSuchQuerySet", "QuerySetExists", "QuerySetRefused", "Subscriptions"]
