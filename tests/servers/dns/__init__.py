"""A small world of DNS on loopback: root, registries' zones, caches of every temper."""
