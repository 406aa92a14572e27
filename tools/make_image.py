# ruff: noqa: INP001, S603, S607, T201  # a command for contributors, which calls ldd and prints
"""Makes a Docker image of the SpacetimeDB server on this machine, for where the vendor's image cannot be pulled.

The image holds the program, the libraries that it loads, and nothing else. It is handed to the engine as one archive, so
that neither the command `docker` nor a build is needed.

    python tools/make_image.py inner-universe/spacetime:1.2.0
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.docker_check import connect, find_engine

PROGRAM = "usr/local/bin/spacetime"
SECONDS = 120.0


def archive(program: Path) -> bytes:
    """Return the files of the image as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as files:
        for path in [program, *libraries(program)]:
            inside = PROGRAM if path == program else str(path).lstrip("/")
            files.addfile(_entry(inside, path.stat().st_size, 0o755), io.BytesIO(path.read_bytes()))
        for folder in ("tmp", "data"):
            entry = _entry(folder, 0, 0o777)
            entry.type = tarfile.DIRTYPE
            files.addfile(entry)
    return buffer.getvalue()


def libraries(program: Path) -> list[Path]:
    """Return the libraries that a program loads, its loader among them."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", listed)]


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", help="name and tag of the image")
    name, _, tag = parser.parse_args().image.rpartition(":")
    if not name or "/" in tag:
        parser.error("the image needs a name and a tag, as inner-universe/spacetime:1.2.0")
    program, engine = find_binary(), find_engine()
    changes = [f'ENTRYPOINT ["/{PROGRAM}"]', 'CMD ["start"]', "EXPOSE 3000"]
    query = urlencode({"fromSrc": "-", "repo": name, "tag": tag, "changes": changes}, doseq=True)
    connection = connect(engine.address, timeout=SECONDS)
    if connection is None:
        raise SystemExit(f"an engine at {engine.address} cannot be reached without the command docker")
    headers = {"Content-Type": "application/x-tar"}
    connection.request("POST", f"/images/create?{query}", archive(program.path), headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace").strip()
    connection.close()
    if answer.status != 200 or '"error"' in text:
        raise SystemExit(f"the engine refused the image, status {answer.status}: {text}")
    print(f"{name}:{tag} from {program}")


if __name__ == "__main__":
    main()
