"""The same operations on the embedded server and on a real one, and what they say compared."""
