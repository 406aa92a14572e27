"""The command ``inner-universe``: servers, databases and projects from a shell.

One file for each group of commands; what a group needs is imported when one of its commands runs.
"""

from __future__ import annotations

from .main import main as main
