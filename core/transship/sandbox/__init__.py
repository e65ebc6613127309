"""Two small registries and a small DNS on loopback: the world that `transship demo` works in."""
