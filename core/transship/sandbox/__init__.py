"""Two small registries on loopback, with sample images: what `transship demo` works on."""
