"""Two small registries, sample images and a name server on loopback, for `transship demo`.

Read `sandbox` first.
"""
