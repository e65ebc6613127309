"""Stand-ins for what a test must steer: the clock, the engine."""
