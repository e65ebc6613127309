"""Which registries the operator has, and where their secrets live.

In goes what an operator types or Docker has; out comes the `Access` that opens a registry. The only
room that knows the keyring. Read `registry_file` first, then `secrets` and `sign_in`.
"""
