"""How a server comes to run. In this package's own process: `EmbeddedServer`."""
