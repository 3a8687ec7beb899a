"""FIMP, the protocol of the hub: topics, messages, reports and descriptions. All modules are pure."""
