"""The embedded database: runs compiled modules and behaves as a server does, inside this process."""
