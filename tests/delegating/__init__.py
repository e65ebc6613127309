"""Makes, follows and undoes what an engine is wished for, as the app would."""
