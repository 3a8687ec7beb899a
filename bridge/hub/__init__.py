"""The way to the hub: the broker connection, what is reported, and how commands reach the services."""
