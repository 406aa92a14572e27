"""The wasm host: runs compiled SpacetimeDB modules in this process through wasmtime.

Nothing here imports wasmtime before a module is loaded. `Module` in `engine/module.py` is the way in.
"""
