"""What a controller does while its server does not run: the checklist before a deployment, and cold copies."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from . import cold_copy
from .cold_copy import ColdCopy
from .config import InnerUniverseConfig
from .errors import ControllerError, ValidationError
from .preflight import Preflight, check_deployment
from .running import RunningServer
from .starting import ServerStarter, StartOrAttach
from .threads import finished


class Maintenance:
    """Base of the controller.

    Args:
        config: Settings.
        starter: Brings a server up.
    """

    def __init__(self, config: InnerUniverseConfig, starter: ServerStarter) -> None:
        self.config = config
        self._starter = starter
        self._server: RunningServer | None = None
        self._lock = asyncio.Lock()

    async def preflight(self) -> Preflight:
        """Answer the checklist before a deployment: whether module, server, data, port, authentication, backups, monitoring and
        configuration are as they should be. Nothing is started, and nothing is written.
        """
        return await check_deployment(self.config, self._starter if isinstance(self._starter, StartOrAttach) else None)

    async def back_up(self, archive: str | os.PathLike[str] | None = None) -> ColdCopy:
        """Copy the data of the server, which must not run, into one archive.

        Args:
            archive: The file to make; unless given, one named after database and time in the configured ``backup_path``.

        Raises:
            ControllerError: This controller's server runs.
            ValidationError: There is neither an archive nor a ``backup_path``.
            BackupError: There is no data, a server runs on it, or the archive cannot be written.
        """
        async with self._lock:
            self._check_stopped()
            if archive is None and self.config.backup_path is None:
                raise ValidationError("back_up needs an archive, or a folder in the setting backup_path")
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            target = archive or Path(self.config.backup_path or "", f"{self.config.database}-{moment}.tar.gz")
            return await finished(lambda: cold_copy.write_copy(self.config.db_path, target))

    async def restore(self, archive: str | os.PathLike[str], *, replace: bool = False) -> ColdCopy:
        """Bring the data of the server, which must not run, back from an archive. It is checked before anything changes.

        Args:
            archive: The archive.
            replace: Whether data that is there is given up for it.

        Raises:
            ControllerError: This controller's server runs.
            BackupError: The archive is not whole or was changed, or data is there that may not be replaced.
        """
        async with self._lock:
            self._check_stopped()
            return await finished(lambda: cold_copy.restore_copy(archive, self.config.db_path, replace=replace))

    def _check_stopped(self) -> None:
        if self._server is not None and self._server.is_own:
            raise ControllerError("the server runs on the data; await stop() first")
