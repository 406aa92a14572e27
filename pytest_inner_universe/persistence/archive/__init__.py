"""Archives: what a database holds as files that any program can read, and back. Each module has one of the ways."""
