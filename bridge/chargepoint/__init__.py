"""The model of a charge point: its status, sessions, state and limits. All modules are pure functions of values."""
