"""How tests reach registries with the client."""
