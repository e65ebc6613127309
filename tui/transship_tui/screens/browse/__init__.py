"""Browse: what is in a registry, one image in full, and copying what is marked."""
