"""Whom to trust over TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl as tls
    from os import PathLike


def trusted(ssl: tls.SSLContext | str | PathLike[str] | None) -> tls.SSLContext | bool:
    """Return what aiohttp takes.

    Args:
        ssl: A context, or the path of a file with the authorities to trust; None for the system's own.

    Raises:
        ValueError: The file cannot be read, or holds no certificate.
    """
    import ssl as tls

    if ssl is None:
        return True
    if isinstance(ssl, tls.SSLContext):
        return ssl
    try:
        return tls.create_default_context(cafile=ssl)
    except OSError as error:  # of which errors in certificates are a kind
        why = error.strerror if error.errno and not isinstance(error, tls.SSLError) else "there is no certificate in it"
        raise ValueError(f"{str(ssl)!r} names no authorities to trust: {why}") from None
