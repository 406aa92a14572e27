"""A program that behaves, or misbehaves, as a SpacetimeDB server does when it starts and ends; run as a script.

It is told how by its first argument; the others are those of the real program.
"""

import os
import signal
import socket
import sys


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


last_words = {
    "dies": "No space left on device (os error 28)",
    "dies-forbidden": "Permission denied (os error 13)",
    "dies-taken": "Address already in use (os error 98)",
    "dies-large": "File too large (os error 27)",
    "dies-strange": "who knows",
}
behaviour, version, *arguments = sys.argv[1:]
if arguments == ["--version"]:
    lines = [f"spacetimedb spacetimedb tool version {version}; spacetimedb-lib version {version};"]
    if behaviour == "cli":
        lines = ["spacetime Path: /somewhere/spacetime", "Commit: 0123456789", lines[0]]
    say("\n".join(lines))
    sys.exit()
options = dict(zip(arguments[1::2], arguments[2::2]))
with open(os.path.join(options["--data-dir"], "arguments"), "w") as file:
    file.write("\n".join(arguments))
say("\x1b[33mWARN\x1b[0m starting")
if behaviour in last_words:
    sys.stderr.write(f"Error: {last_words[behaviour]}\n   0: a trace of calls\n   1: main\n")
    sys.exit(3)
if behaviour == "silent":
    signal.pause()
if behaviour == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
host, _, port = options["--listen-addr"].rpartition(":")
listener = socket.create_server((host, int(port)))
if behaviour != "mute":
    say(f"DEBUG Starting SpacetimeDB listening on {host}:{listener.getsockname()[1]}    ")
busy = 3 if behaviour == "slow" else 0
while True:
    client, _ = listener.accept()
    client.recv(65_536)
    if behaviour == "floods":
        # More than any pipe holds, and one line that does not end for long.
        sys.stdout.write("x" * 300_000 + "\n" + "a line of output\n" * 50_000)
        sys.stdout.flush()
    status = "503 Service Unavailable" if busy else "200 OK"
    busy = max(0, busy - 1)
    client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    client.close()
