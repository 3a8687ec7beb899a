"""The bridge's MQTT side: the broker connection, the reporter that publishes, and the router that takes commands."""
