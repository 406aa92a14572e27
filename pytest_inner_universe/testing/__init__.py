"""The test kit: universes, doubles, simulators and factories; usable with and without pytest."""
