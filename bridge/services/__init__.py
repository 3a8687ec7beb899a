"""One module per FIMP service: its description, its reports and its commands."""
