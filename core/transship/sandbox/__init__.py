"""Two small registries and a small DNS on loopback, with samples: what `transship demo` works on."""
